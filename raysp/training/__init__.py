"""One trial in one process: data on the device, epochs, checkpoints, early stop, resume."""
