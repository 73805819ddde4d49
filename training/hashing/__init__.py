"""Training of hash codes on batches of pairs or of teacher lists."""
