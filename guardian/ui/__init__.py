"""The pages: one module, one page, one flat State."""
