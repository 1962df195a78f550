"""The machine: its memory, threads, files and terminals."""
