"""What is run, and how it is built from what a person sets: `from raysp.config import Experiment, ModelChoice`."""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Resources, Training, Trial

__all__ = ["Experiment", "ModelChoice", "Recording", "Resources", "Training", "Trial"]
