"""Made-up splits, and a fit that nobody stops, as the contract of models has them."""

from raysp.kinds.contract import unbroken
from raysp.kinds.population.made_up import made_up_split

__all__ = ["made_up_split", "unbroken"]
