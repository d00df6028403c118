"""Cells with injected currents: fitted cell by cell, predicted on the currents that nobody was shown."""
