"""The sections of the page: a module for each, beside the template of its name."""
