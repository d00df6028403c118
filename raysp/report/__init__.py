"""Figures and tables from collected predictions and metrics only."""
