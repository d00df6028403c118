"""One run's trial from its data to its done.json, in this process."""
