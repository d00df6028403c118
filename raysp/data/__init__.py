"""Recordings become Splits: one file per source, found by its name."""
