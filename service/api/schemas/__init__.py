"""The models of request and response bodies."""
