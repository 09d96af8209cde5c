"""Customers handed on to email tools and ad platforms."""
