"""raysp: train, sweep, compare and submit models of neural spiking."""

__version__ = "0.1.0"
