"""What models of a population are judged by, and what they are read against."""

from __future__ import annotations

from raysp.kinds.metric import Metric

FLOOR, CEILING = "mean_rate", "true_rates"

NEEDS = {"co-bps": ("heldout", "held-out units"), "fp-bps": ("forward", "bins after the observed ones")}
"""Objective -> the size that it needs, in words."""

ALONE = ("",)
METRICS = {
    # The model's own; then the Poisson loss of what no model was shown, for any model. Reconstruction of the input
    # is no objective: it rewards copying noise. Nor is closeness to truth, which no recording has.
    "validation_loss": Metric("min", meaning="the loss that the model was trained by", searched=True),
    "unseen_loss": Metric(
        "min",
        meaning="Poisson loss, nats per count, of what no model is shown: held-out units and forward bins",
        searched=True,
    ),
    "co-bps": Metric(
        "max", ALONE, "co-smoothing, bits per spike: held-out units, which were not in the input", searched=True
    ),
    "fp-bps": Metric("max", ALONE, "forward prediction, bits per spike: bins after the observed ones", searched=True),
    "vel R2": Metric("max", ALONE, "velocity decoded from the rates by ridge regression, R² on evaluation trials"),
    "behavior R2, mean over variables": Metric(
        "max", ALONE, "each variable of behaviour decoded by itself, R² averaged over variables"
    ),
    "behavior R2": Metric("max", ("*",)),
    "behavior R2 with history, mean over variables": Metric(
        "max", ("*",), "the same decoded from each bin and some bins before it in its trial, as many as it says, R²"
    ),
    "behavior R2 with history": Metric("max"),
    "tp corr": Metric("min", ALONE, "correlation of neural speed and produced interval; the more negative the better"),
    "psth R2": Metric("max", ALONE, "condition averages of predicted rates against PSTHs, R²"),
    "true-rate R2": Metric("max", ALONE, "predicted against true rates, R², mean over units"),
    "true-rate R2 pooled": Metric(
        "max", ALONE, "the same over all entries at once: differences between units' mean rates count too"
    ),
    "true-rate Pearson r squared, pooled": Metric(
        "max", ALONE, "correlation of predicted and true rates: blind to scale and offset"
    ),
    "state R2": Metric(
        "max", ALONE, "the generating system's state, read linearly from the latents, R²; fitted on training trials"
    ),
    "masked deviance": Metric(
        "min", ALONE, "Poisson deviance of held-in counts hidden from the input, nats per count; less is better"
    ),
    "reconstruction bits/spike": Metric(
        "max", ALONE, "held-in units, which were in the input: describes, does not predict"
    ),
    "predicted / recorded spikes": Metric(
        "min",
        (*ALONE, "training trials"),
        "spikes predicted for each that was recorded, over all that is known; 1 is right. A network has a gain of each "
        "unit for it, fitted on training trials, those for validation included",
        ranked=False,
        fitted=("training trials", "validation trials"),
    ),
    "weight against the mean rate": Metric(
        "max",
        meaning="how far a network's log rates were believed against the log mean rates, chosen on validation trials "
        "for what was hidden: 1 leaves the network as it is, 0 leaves the mean rate",
        ranked=False,
    ),
    "co-bps without units silent in training": Metric(
        "max", ALONE, "co-bps of the units that had spikes in training; see the notes", fitted=ALONE
    ),
    "fp-bps without units silent in training": Metric(
        "max", ALONE, "fp-bps of the units that had spikes in training; see the notes", fitted=ALONE
    ),
    "own-spike gain": Metric(
        "min",
        meaning="how many times as high a held-in rate is where the model sees that bin's own spike as where it is "
        "hidden; 1 where nothing is copied",
        ranked=False,
    ),
    "training co-bps": Metric(
        "max",
        meaning="co-bps of the training trials that the model was fitted to, held-out units included: far above co-bps "
        "where they were learned by heart",
        ranked=False,
        fitted=ALONE,
    ),
    "latent variance between trials": Metric(
        "max", meaning="share of the latents' variance that is not the same in every trial", ranked=False
    ),
    "posterior divergence": Metric(
        "max",
        meaning="of a variational model's posterior from its prior, nats a validation trial, by part; near 0 it says "
        "nothing about the trial",
        ranked=False,
    ),
    "trial order R2": Metric(
        "min",
        meaning="the order in which trials were recorded (within each condition, where known), read from means over "
        "each trial's bins of latents, and of held-in counts, R²",
        ranked=False,
    ),
}
