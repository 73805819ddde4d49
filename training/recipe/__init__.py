"""Recipes: every hyper-parameter of a training, in one TOML file."""
