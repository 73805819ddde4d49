"""From a question about a release to its answer; knows nothing of the web."""
