"""Public recordings: what they consist of, download, verification."""
