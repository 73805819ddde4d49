"""Teachers: models that rank unseen items for each user from the training pairs alone."""
