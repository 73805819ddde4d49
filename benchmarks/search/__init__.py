"""Speed and recall of searches, compared with other libraries."""
