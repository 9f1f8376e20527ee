"""Reports of weeks, months and days at /reports."""
