"""Movies, and spikes that were recorded while each was shown again and again."""
