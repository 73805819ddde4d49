"""The whole system: events, retraining and releases under load, crashes and bad data."""
