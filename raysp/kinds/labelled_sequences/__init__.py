"""Sequences of which each belongs to one class."""
