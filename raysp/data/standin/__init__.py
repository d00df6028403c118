"""Generated recordings in the form of real ones."""
