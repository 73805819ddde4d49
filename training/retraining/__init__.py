"""Retraining: collect interactions, check, train, compare with the current release, publish."""
