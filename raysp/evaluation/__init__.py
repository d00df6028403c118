"""Numbers from collected predictions and answers only."""
