"""What a release is, and how its codes are searched."""
