"""Latent factor analysis via dynamical systems: encoders, a controller, a generator, and their loss."""
