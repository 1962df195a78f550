"""The data that one stage hands to the next: columns, and encoders of their samples."""
