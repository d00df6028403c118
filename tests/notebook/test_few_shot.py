"""Few-shot co-smoothing of what was fitted at hand."""

import numpy as np
import pytest

import raysp
from raysp.errors import BadInput, NotReady
from raysp.evaluation.few_shot import few_shot_bits_per_spike
from tests.data.nlb_files import prepared

VAL = "standin-mc_maze_small-20ms-val"


@pytest.fixture(scope="module")
def root(standin_root):
    prepared(standin_root, "mc_maze_small-20ms-*")
    return standin_root


def test_readouts_of_a_models_latents_are_scored_on_the_evaluation_trials(root):
    split = raysp.load_split(VAL, root=root)
    fitted = raysp.fit("sae", split, epochs=3, hidden=8, progress=False)
    few = raysp.few_shot_co_bps(fitted, split, shots=2, draws=4)
    many = raysp.few_shot_co_bps(fitted, split, shots=len(split.train), draws=1)
    assert few.shape == (4,)
    assert few.mean() < many.mean()
    seen = slice(split.sizes.bins)
    train, evaluation = (fitted.predict(part).latents[:, seen] for part in (split.train, split.eval))
    own = few_shot_bits_per_spike(
        train, split.train.heldout, evaluation, split.answers.trials.heldout, shots=2, draws=4
    )
    np.testing.assert_array_equal(few, own)


def test_what_cannot_be_scored_so_says_why(root):
    split = raysp.load_split(VAL, root=root)
    smooth = raysp.fit("smoothing", split, progress=False)
    with pytest.raises(BadInput, match="expected a model with latents, smoothing has none"):
        raysp.few_shot_co_bps(smooth, split, shots=2)
    with pytest.raises(NotReady, match="the answers of standin-mc_maze_small-20ms-test are not here"):
        raysp.few_shot_co_bps(smooth, raysp.load_split(VAL.replace("-val", "-test"), root=root), shots=2)
    counts = np.random.default_rng(0).poisson(0.3, size=(40, 20, 6))
    whole = raysp.load_split(counts, bin_ms=20, heldout=0)
    with pytest.raises(BadInput, match="counts expected trials with held-out units, it has none"):
        raysp.few_shot_co_bps(raysp.fit("mean_rate", whole, progress=False), whole, shots=2)
