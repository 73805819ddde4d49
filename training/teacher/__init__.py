"""Teachers: each user's best unseen items, found from the training pairs alone."""
