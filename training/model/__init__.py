"""The model: the user-item graph, encoders, sign estimators and losses."""
