"""All pairs of the features of a table."""
