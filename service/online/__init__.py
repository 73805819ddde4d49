"""Events since the release: stored, kept in memory, and used in recommendations."""
