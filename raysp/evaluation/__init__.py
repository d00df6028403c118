"""Numbers from collected predictions and targets only."""
