"""What codes are trained to minimise."""
