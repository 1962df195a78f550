"""One page that shows results of the benchmarks, and files for other tools."""
