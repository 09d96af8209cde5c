"""Shops as other systems have them: a module per connector, which writes tables of the raw contract in the shape of its source."""
