"""Counts → entropies, and what chance alone gives."""
