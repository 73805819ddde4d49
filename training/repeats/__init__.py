"""Which place a user's own items take in lists that do not leave them out, chosen on validation."""
