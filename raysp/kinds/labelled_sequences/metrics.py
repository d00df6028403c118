"""What classifiers of sequences are judged by."""

from __future__ import annotations

from raysp.kinds.metric import Metric

PART = "eval"
"""The test part, as tables have it."""

ACCURACY, CROSS_ENTROPY = "accuracy", "cross-entropy"
RIGHT, WRONG = "entropy of right answers", "entropy of wrong answers"
VOTE = "vote"
VALIDATION_ACCURACY = "validation accuracy"

METRICS = {
    "validation_loss": Metric("min", searched=True, meaning="each model's own loss of the validation part"),
    "unseen_loss": Metric("min", searched=True, meaning="cross-entropy of the first readout of the validation part"),
    VALIDATION_ACCURACY: Metric("max", searched=True, meaning="share of right answers, first readout"),
    ACCURACY: Metric(
        "max", ("", "*"), "share of right answers: at the first step with zero input, at later ones, by their vote"
    ),
    CROSS_ENTROPY: Metric("min", ("",), "of the first readout, nats"),
    RIGHT: Metric("min", ("",), "of the first readout's softmax, nats, where the answer is right", ranked=False),
    WRONG: Metric("max", ("",), "of the first readout's softmax, nats, where the answer is wrong", ranked=False),
}
