"""How it is asked what latents are worth: readouts fitted to so many trials, so many times."""

from __future__ import annotations

from dataclasses import dataclass

from raysp.errors import expect
from raysp.evaluation.few_shot import DRAWS


@dataclass(frozen=True)
class Readouts:
    """What `raysp latents` was asked.

    Attributes:
        shots: training trials that a readout is fitted to; None for powers of 2, as many as there are trials for.
        draws: random choices of so many trials, of few shots; of many there are fewer.
        seed: of the draws, and of the folds of cross-decoding.

    Raises:
        BadInput: a number is not positive, or given twice.

    >>> Readouts(shots=(4, 16)).draws
    20
    """

    shots: tuple[int, ...] | None = None
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        shots = self.shots if self.shots is not None else (1,)
        right = shots and all(one >= 1 for one in shots) and len(set(shots)) == len(shots)
        expect(right, f"shots expected different whole numbers from 1 on, got {list(shots)}")
        expect(self.draws >= 2, f"draws expected two or more, got {self.draws}")
        expect(self.seed >= 0, f"seed expected 0 or more, got {self.seed}")
