"""Files that are read in, at /imports."""
