"""Speed, memory and robustness of the HTTP service."""
