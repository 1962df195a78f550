"""`JointCounts`: counts of samples that are kept, added up, saved and loaded."""
