"""Few-shot co-smoothing of a fitted model: what its latents are worth to units that were not asked for."""

from __future__ import annotations

import numpy as np

from raysp.errors import BadInput, NotReady, expect
from raysp.evaluation.few_shot import few_shot_bits_per_spike
from raysp.notebook.fitted_model import FittedModel
from raysp.notebook.loaded_split import LoadedSplit, check_loaded


def few_shot_co_bps(
    fitted: FittedModel, split: LoadedSplit, shots: int, *, draws: int = 10, penalty: float | None = None, seed: int = 0
) -> np.ndarray:
    """Return co-bps of readouts to the held-out units that are fitted anew, to few trials' latents.

    A model may have a high co-bps and latents full of dynamics that the recording has not: readouts that are fitted
    to a few trials then do badly (Dabholkar & Barak 2025). Values are comparable between models only for the same
    shots, draws, penalty and seed.

    Args:
        fitted: a model with latents, of `raysp.fit` or of a run's `fitted`.
        split: that it was fitted to, with answers.
        shots: training trials that each readout is fitted to.
        draws: random choices of so many trials.
        penalty: L2 on the readout's weights, against the mean deviance per bin; by default chosen for each draw, by
            cross-validation among its trials alone.
        seed: of the draws.

    Returns:
        (draws,) bits per spike over the evaluation trials.

    Raises:
        NotReady: the answers are not known.
        BadInput: the model has no latents, the split no held-out units, or not so many training trials.

    Examples:
        >>> import numpy as np, raysp
        >>> split = raysp.load_split(np.random.default_rng(0).poisson(0.3, size=(40, 50, 12)), bin_ms=20)
        >>> fitted = raysp.fit("sae", split, epochs=2, hidden=8, progress=False)
        >>> raysp.few_shot_co_bps(fitted, split, shots=8, draws=3).shape
        (3,)
    """
    check_loaded(split)
    expect(isinstance(fitted, FittedModel), f"expected a fitted model, of raysp.fit say, got {type(fitted).__name__}")
    for name, value in {"shots": shots, "draws": draws}.items():
        expect(isinstance(value, int | np.integer), f"{name} expected a whole number, got {value!r}")
    own = fitted.own(split)
    learned = own.split.arrays().get("train/heldout")
    if learned is None or not learned.shape[2]:
        raise BadInput(f"{split.name} expected trials with held-out units, it has none")
    if own.answers is None:
        raise NotReady(f"the answers of {split.name} are not here, and few-shot co-smoothing is scored against them")
    train, evaluation = (fitted.predict(part).latents for part in (own.train, own.eval))
    if train is None or evaluation is None:
        raise BadInput(f"few-shot co-smoothing expected a model with latents, {fitted.trial.shown} has none")
    # Of models that look ahead, latents go on after the observed bins.
    seen, asked = slice(own.sizes.bins), own.answers.arrays()["trials/heldout"]
    how = {"shots": shots, "draws": draws, "seed": seed}
    return few_shot_bits_per_spike(train[:, seen], learned, evaluation[:, seen], asked, penalty=penalty, **how)
