"""Counts that are kept, added up, saved and loaded."""
