"""Continuous recordings of units that respond to a stimulus."""
