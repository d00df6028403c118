"""What a model of neurons under current clamp says of its fit to each cell: the columns of parameters.parquet."""

from __future__ import annotations

from typing import TypedDict

CellFit = TypedDict(
    "CellFit",
    {
        "run_trial": str,
        "model": str,
        "split": str,
        "dataset": str,
        "seed": int,
        "unit": int,
        "species": str,
        "line": str,
        "dendrite": str,
        "layer": str,
        "candidate": int,
        "chosen": bool,
        "status": str,
        "reason": str,
        "protocol": str,
        "bin_ms": int,
        "activation_bin_ms": int | None,
        "sigma": float,
        "gamma": float,
        "threshold": float,
        "poly_coeff": list[float],
        "alpha": list[float],
        "beta": list[float],
        "lambda": list[float],
        "bend": list[float] | None,
        "bent": list[float] | None,
        "bent_lambda": list[float] | None,
        "feedback": float,
        "penalty": float | None,
        "setting": float | None,
        "train_loss": float | None,
        "validation_loss": float | None,
        "test_loss": float | None,
        "validation_evr": float | None,
        "evaluations": int | None,
        "epochs": int | None,
        "train_losses": list[float] | None,
        "test_losses": list[float] | None,
    },
    total=False,
)
"""g(z) = gamma relu(tanh(sum of poly_coeff[k]^2 ((z - threshold) / sigma)^k)), z, sigma and threshold in pA, gamma in
spikes/ms; `alpha` and `beta` stand by `lambda`, what a filter's state loses per bin; `feedback` multiplies the unit's
own rate. Beside the published inputs a unit may hear what the current has above each `bend`, pA, with the gain `bent`,
through a filter that loses `bent_lambda` per bin; none does where these are empty. `protocol` is "clean" or "paper", of
a floor another word. `train_loss` and `test_loss` are in nats per bin, as the published protocol logs them. `status`
is "fitted" or "failed", and `reason` says why; of a failed one, what stands before `status` is there alone. Whose fit
it is, and what is known of the cell, the trial adds to what a model says."""
