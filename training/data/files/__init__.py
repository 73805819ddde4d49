"""Files of a data set: which there are, and their bytes and text."""
