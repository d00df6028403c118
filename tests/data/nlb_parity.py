"""Comparing tensors with those of nlb_tools: counts, masks, indices and jitter bit for bit, the rest to 1e-12."""

from __future__ import annotations

import numpy as np
from numpy.testing import assert_allclose, assert_array_equal

from raysp.data.nlb import tensors as nlb_tensors
from raysp.data.nlb.recording import Recording
from raysp.data.nlb.sets import Phase
from raysp.data.sources.nlb import LABELS

CLOSE = ("train_behavior", "eval_behavior", "psth")


def ours(recording: Recording, bin_ms: int, phase: Phase):
    """The three dictionaries as `nlb_reference.reference_tensors` returns them."""
    nlb, (train, chosen) = recording.nlb, LABELS[phase]
    scored = recording.train if phase == "val" else recording.test
    answers = None
    if phase == "val":
        answers = nlb_tensors.eval_target(recording.train, nlb, bin_ms, train, chosen)
    return (
        nlb_tensors.train_input(recording.train, nlb, bin_ms, train),
        nlb_tensors.eval_input(scored, nlb, bin_ms, chosen),
        answers,
    )


def assert_same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for name, array in found.items():
        if isinstance(array, dict):
            assert_same(array, expected[name])
        elif name.endswith("_cond_idx"):
            assert len(array) == len(expected[name])
            for one, other in zip(array, expected[name], strict=True):
                assert_array_equal(one, np.asarray(other, dtype=np.int64), err_msg=name)
        else:
            assert array.dtype == expected[name].dtype, name
            if name in CLOSE:
                assert_allclose(array, expected[name], rtol=1e-12, atol=1e-12, equal_nan=True, err_msg=name)
            else:
                assert_array_equal(array, expected[name], err_msg=name)
