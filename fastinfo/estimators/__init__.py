"""Counts → entropies, and the information that chance alone gives."""
