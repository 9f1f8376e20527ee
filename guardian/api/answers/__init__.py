"""What goes out: the envelope of an answer, and what is told of a failure."""
