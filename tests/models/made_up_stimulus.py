"""Made-up continuous recordings, and small models for them, as the contract of models has them."""

from raysp.kinds.stimulus.made_up import made_up_recording, model_for, shaken, small

__all__ = ["made_up_recording", "model_for", "shaken", "small"]
