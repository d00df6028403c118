"""What a trained network says of each of its neurons: the columns of neurons.parquet."""

from __future__ import annotations

from typing import TypedDict

TrainedNeuron = TypedDict(
    "TrainedNeuron",
    {
        "run_trial": str,
        "model": str,
        "split": str,
        "seed": int,
        "unit": int,
        "sigma": float,
        "gamma": float,
        "threshold": float,
        "poly_coeff": list[float],
        "alpha": list[float],
        "beta": list[float],
        "lambda": list[float],
        "feedback": float,
        "inward": list[float],
        "inward_bias": float,
        "outward": list[float],
        "outward_bias": list[float],
        "initial_alpha": list[float],
        "initial_beta": list[float],
    },
    total=False,
)
"""As the columns of that name of a cell's fit, see `models.cell_fit`; `unit` is the place of a neuron in the network.
`inward` has a weight for each feature, `outward` for each class; `outward_bias` is the classes' own, the same in all
rows. Whose it is, the trial adds."""
