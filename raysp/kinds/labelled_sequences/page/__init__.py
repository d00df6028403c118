"""What a run's page shows of labelled sequences."""
