"""Files of a data set: discovery, decompression and decoding."""
