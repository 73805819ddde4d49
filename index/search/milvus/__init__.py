"""Search on a Milvus server, for catalogues or loads that are too large for one machine."""
