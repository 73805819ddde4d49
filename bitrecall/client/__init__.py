"""Clients of a running service, with the verbs and results of a model."""
