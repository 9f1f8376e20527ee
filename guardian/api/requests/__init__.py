"""What comes in: bodies within a bound, files on the disk, moments in words, and where a request was made."""
