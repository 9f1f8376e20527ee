"""The figures that processes tell of themselves."""
