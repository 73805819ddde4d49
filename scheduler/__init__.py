"""Starts ``bitrecall retrain`` once a day, as a process of its own, and never two at a time."""
