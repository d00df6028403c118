"""Trials of a population of units."""
