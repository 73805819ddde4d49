"""Ranking metrics of a release and of real-valued embeddings."""
