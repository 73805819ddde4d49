"""The paper's table and the studies, run part by part: what ``bitrecall reproduce`` does."""
