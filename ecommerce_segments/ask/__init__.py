"""What an assistant may ask of what is published, by the Model Context Protocol (docs/ask.md)."""
