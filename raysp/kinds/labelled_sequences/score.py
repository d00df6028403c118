"""The numbers of predicted classes: accuracy of each readout and of their vote, cross-entropy, entropy of answers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from raysp.collection.predictions import AGAIN
from raysp.config.experiment import Trial
from raysp.data.splits.labelled_sequences import LabelledSequencesSplit, SequenceAnswers
from raysp.errors import BadInput
from raysp.evaluation.classification import accuracy, cross_entropy, entropy, shares, vote
from raysp.io.rows import Row, Rows
from raysp.kinds.labelled_sequences.logits_file import read_logits
from raysp.kinds.labelled_sequences.metrics import ACCURACY, CROSS_ENTROPY, PART, RIGHT, VOTE, WRONG
from raysp.runs.folder import TrialFolder


def rows(trial: Trial, split: LabelledSequencesSplit, answers: SequenceAnswers, folder: TrialFolder) -> Rows:
    """Return the rows of one trial.

    Args:
        trial: whose predictions are scored.
        split: its data.
        answers: the labels of the test part.
        folder: of the trial.

    Raises:
        NotReady: nothing was predicted.
        BadInput: the predictions are damaged, or of another number of samples or classes.
    """
    logits = read_logits(folder.predictions)
    shape = (len(answers.labels), split.sizes.classes)
    if (logits.shape[0], logits.shape[2]) != shape:
        raise BadInput(f"{folder.predictions} expected {shape} samples and classes, got {logits.shape}; {AGAIN}")
    if not np.isfinite(logits).all():
        raise BadInput(f"{folder.predictions} expected finite logits, got NaN or infinity; {AGAIN}")
    common: Row = {
        "run_trial": trial.id,
        "model": trial.shown,
        "split": trial.split,
        "dataset": split.sizes.dataset,
        "phase": split.role.phase,
        "seed": trial.seed,
        "part": PART,
        "standin": split.provenance.standin,
        "judge": "raysp",
    }
    return [{**common, **one} for one in _measures(logits, answers.labels)]


def _measures(logits: np.ndarray, labels: np.ndarray) -> Iterator[Row]:
    given = logits.argmax(axis=-1)
    for step, answers in enumerate(given.T, 1):
        parameter = None if step == 1 else f"step {step}"
        yield {"metric": ACCURACY, "parameter": parameter, "value": accuracy(answers, labels)}
    yield {"metric": ACCURACY, "parameter": VOTE, "value": accuracy(vote(logits), labels)}
    yield {"metric": CROSS_ENTROPY, "value": cross_entropy(logits[:, 0], labels)}
    unsure, right = entropy(shares(logits[:, 0])), given[:, 0] == labels
    for metric, chosen, what in ((RIGHT, right, "right"), (WRONG, ~right, "wrong")):
        if chosen.any():
            yield {"metric": metric, "value": float(unsure[chosen].mean())}
        else:
            yield {"metric": metric, "value": None, "note": f"undefined: no answer is {what}"}
