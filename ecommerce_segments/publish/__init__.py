"""What readers see: versions of the marts, swapped whole."""
