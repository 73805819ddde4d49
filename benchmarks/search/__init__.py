"""Speed and recall of searches, beside other libraries."""
