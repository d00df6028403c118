"""What others have published of such networks, for comparison; nothing of it was computed here."""

from __future__ import annotations

from collections.abc import Mapping

SOURCE = "manuscript of the GFR networks' revision, 60,000 training digits, 300 epochs, means of 5 runs"
STEPS = ("accuracy", "accuracy (step 2)", "accuracy (step 5)", "accuracy (vote)")
L_MNIST = (28, 28, 10)
"""Steps, features and classes of the data that the figures are of."""

NETWORKS: Mapping[str, tuple[float, float, float, float]] = {
    "GFR, 65 neurons": (0.979, 0.971, 0.628, 0.934),
    "RNN, 68 units": (0.969, 0.937, 0.242, 0.806),
    "leaky spiking, 68 units": (0.935, 0.933, 0.904, 0.932),
    "synaptic spiking, 68 units": (0.939, 0.939, 0.906, 0.938),
    "GFR, 128 neurons, 8 filters": (0.988, 0.984, 0.747, 0.971),
    "128 fitted cells, trained on": (0.980, 0.939, 0.228, 0.821),
    "128 fitted cells, frozen": (0.974, 0.929, 0.280, 0.811),
}


def rows(sizes: object, columns: list[str]) -> list[tuple[str, list[float | None]]]:
    """Return name and accuracies of published networks, for data of these sizes; None for a column they do not have.

    >>> from raysp.data.splits.labelled_sequences import SequenceSizes
    >>> rows(SequenceSizes("mnist", 28, 28, 10), ["accuracy", "cross-entropy"])[1]
    ('RNN, 68 units', [0.969, None])
    """
    if tuple(getattr(sizes, name, None) for name in ("steps", "features", "classes")) != L_MNIST:
        return []
    known = {name: dict(zip(STEPS, values, strict=True)) for name, values in NETWORKS.items()}
    return [(name, [found.get(column) for column in columns]) for name, found in known.items()]
