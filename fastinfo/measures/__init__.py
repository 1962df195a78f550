"""The measures of samples, of one joint table and of two."""
