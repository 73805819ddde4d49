"""The learned teacher: a ranker over the scores of several recommenders."""
