"""Shops as other systems have them: a module per connector, which writes raw tables in the shape of its source."""
