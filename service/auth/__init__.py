"""API keys and the permissions of their roles."""
