"""One file per vendor behind BaseProvider, and the registry that finds them."""
