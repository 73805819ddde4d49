"""Speed and memory of training, and searches for recipes and rules."""
