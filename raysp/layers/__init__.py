"""Pieces of networks that models share: all take and return (trials, bins, channels)."""
