"""What a run's page shows of cells with injected currents."""
