"""Methods from the literature, trained for comparison."""
