"""Who belongs to the organization, who may what, and its teams, at /team."""
