"""Made-up cells, as the contract of models has them."""

from raysp.kinds.current_clamp.made_up import STIMULI, made_up

__all__ = ["STIMULI", "made_up"]
