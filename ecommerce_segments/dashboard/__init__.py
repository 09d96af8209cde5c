"""The page of the marts: one HTML file without server or network."""
