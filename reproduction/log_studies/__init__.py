"""Studies of the default recipe on logs: order, the teacher's parts, recency, steps."""
