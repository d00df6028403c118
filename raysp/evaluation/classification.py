"""What readouts of a classifier come to: accuracy of each and of their vote, cross-entropy, entropy of answers."""

from __future__ import annotations

import numpy as np


def shares(logits: np.ndarray) -> np.ndarray:
    """Return the softmax over classes, float64, of logits of any shape, classes last.

    >>> shares(np.log([1.0, 3.0]))
    array([0.25, 0.75])
    """
    found = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return found / found.sum(axis=-1, keepdims=True)


def vote(logits: np.ndarray) -> np.ndarray:
    """Return (samples,) the class of the largest sum of softmaxes over the readouts.

    Args:
        logits: (samples, readouts, classes).
    """
    return shares(logits).sum(axis=1).argmax(axis=-1)


def accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of right answers.

    Args:
        answers: (samples,) classes.
        labels: (samples,) likewise.
    """
    return float((answers == labels).mean())


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of -log softmax of the right class, nats.

    Args:
        logits: (samples, classes).
        labels: (samples,) classes.
    """
    centred = logits.astype(np.float64) - logits.max(axis=-1, keepdims=True)
    own = np.take_along_axis(centred, labels[:, None], axis=-1)[:, 0]
    return float((np.log(np.exp(centred).sum(axis=-1)) - own).mean())


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return -sum of p log p over the last axis, nats.

    >>> entropy(np.array([[1.0, 0.0], [0.5, 0.5]]))
    array([0.        , 0.69314718])
    """
    return -np.sum(probabilities * np.log(np.where(probabilities > 0, probabilities, 1.0)), axis=-1) + 0.0


def confusion(answers: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Return (classes, classes) counts of samples: the right class in rows, the answer in columns.

    >>> confusion(np.array([0, 1, 1]), np.array([0, 0, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    return np.bincount(labels * classes + answers, minlength=classes**2).reshape(classes, classes)
