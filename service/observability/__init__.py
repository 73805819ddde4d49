"""What can be seen of the service from outside: metrics, logs, and which request is which."""
