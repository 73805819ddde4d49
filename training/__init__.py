"""From interactions to a release."""
