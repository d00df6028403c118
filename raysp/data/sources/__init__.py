"""Sources of recordings, one file each, found by name."""
