"""The pages of who is not signed in, and the one that is not there."""
