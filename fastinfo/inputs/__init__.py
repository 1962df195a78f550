"""The edge: everything that comes in is checked and brought to one form, once."""
