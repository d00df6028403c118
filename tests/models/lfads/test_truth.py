"""What LFADS finds where the truth is known."""

import numpy as np
import pytest

import raysp

TRIALS, BINS, UNITS = 160, 50, 40
SMALL = {
    "generator": 32, "controller": 16, "encoder_hidden": 24, "input_encoder_hidden": 24, "initial": 8, "factors": 4,
}  # fmt: skip


def pushed(rng):
    """Counts of units that follow a damped rotation, which a pulse pushes once a trial, and the pulses' bins."""
    when, states = rng.integers(12, 40, TRIALS), np.zeros((TRIALS, BINS, 2))
    turn = 0.97 * np.array([[np.cos(0.2), -np.sin(0.2)], [np.sin(0.2), np.cos(0.2)]])
    state = rng.normal(0, 0.3, (TRIALS, 2))
    for t in range(BINS):
        state = state @ turn.T + (when == t)[:, None] * np.array([2.0, 0.0])
        states[:, t] = state
    rates = 0.3 * np.exp(states @ rng.normal(0, 0.56, (2, UNITS)))
    return rng.poisson(rates).astype(np.float32), when


@pytest.mark.slow
def test_inferred_inputs_peak_where_the_generator_was_pushed():
    counts, when = pushed(np.random.default_rng(0))
    split = raysp.load_split(counts, bin_ms=20, heldout=0)
    fitted = raysp.fit("lfads", split, epochs=20, learning_rate=0.01, patience=0, progress=False, **SMALL)
    inputs = fitted.predict(split.eval).beside["inferred_inputs"][:, :, 0]
    # The first bins bring the controller to its own level.
    peaks = np.abs(inputs - np.median(inputs, axis=1, keepdims=True))[:, 2:].argmax(axis=1) + 2
    which = {one.tobytes(): bin for one, bin in zip(counts, when, strict=True)}
    pushes = np.array([which[one.astype(np.float32).tobytes()] for one in np.ascontiguousarray(split.eval.heldin)])
    assert (np.abs(peaks - pushes) <= 2).mean() > 0.9
