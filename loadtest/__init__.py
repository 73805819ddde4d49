"""Load tests of a running service: how much it bears, and what stops it there."""
