"""Reading a provider's reports: page after page, field by field, into buckets that do not overlap."""
