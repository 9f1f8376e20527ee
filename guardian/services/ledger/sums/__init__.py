"""What usage rows are summed up to: by which dimensions, and the hourly sums that move with every write."""
