"""Generalised firing rate neurons: a sum of exponential filters of the current and of the neuron's own rate."""
