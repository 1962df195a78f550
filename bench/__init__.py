"""Benchmarks of fastinfo beside what else one would use; see ``docs/benchmarks.md``."""
