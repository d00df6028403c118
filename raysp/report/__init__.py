"""6. Figures and tables: one page per run, drawn from what lies on disk."""
