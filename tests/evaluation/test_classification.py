"""Accuracy, votes, cross-entropy and entropy of readouts, against what they are by hand."""

import numpy as np
import pytest

from raysp.evaluation.classification import accuracy, cross_entropy, entropy, shares, vote

LOGITS = np.log(np.array([[[0.7, 0.2, 0.1], [0.4, 0.5, 0.1]], [[0.3, 0.4, 0.3], [0.1, 0.1, 0.8]]], np.float32))


def test_a_vote_sums_softmaxes_not_answers():
    assert LOGITS.argmax(axis=-1).tolist() == [[0, 1], [1, 2]]
    assert vote(LOGITS).tolist() == [0, 2]
    assert accuracy(vote(LOGITS), np.array([0, 1])) == 0.5


def test_logits_of_any_size_have_shares_and_a_loss():
    large = np.array([[1e4, 0.0, -1e4]], np.float32)
    np.testing.assert_allclose(shares(large), [[1, 0, 0]])
    assert cross_entropy(large, np.array([2])) == pytest.approx(2e4)
    expected = -np.mean(np.log([0.7, 0.4]))
    assert cross_entropy(LOGITS[:, 0], np.array([0, 1])) == pytest.approx(expected, rel=1e-6)


def test_entropy_is_that_of_even_chances_at_most():
    np.testing.assert_allclose(entropy(shares(np.zeros((2, 5)))), np.log(5))
