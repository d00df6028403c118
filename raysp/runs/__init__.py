"""A run's folder: where files lie, what they say, and who may write."""
