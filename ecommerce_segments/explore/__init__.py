"""Questions to the last build."""
