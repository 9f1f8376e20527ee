"""Functions of props that pages compose."""
