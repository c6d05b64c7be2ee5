"""Recorded studies and their generators, for Python and for the commands that use them."""
