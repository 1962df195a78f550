"""Checks of everything that users pass: each input is brought to one form, once."""
