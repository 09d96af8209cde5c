"""Segments as their authors write them: the register, and the pages that follow from it."""
