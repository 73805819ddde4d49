"""How much more a user's newest items count for the code, chosen on validation."""
