"""One file a sub-command; each imports what it needs when it is called."""
