"""Every night a better model: what came in, whether it is sound, and whether what it taught is."""
