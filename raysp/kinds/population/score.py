"""The numbers of predicted rates: the benchmark's, those of known truth, and each unit's, as rows of a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from raysp.config import settings
from raysp.config.experiment import Trial
from raysp.data.splits.population import Answers, PopulationSplit
from raysp.errors import BadInput, NotReady
from raysp.evaluation.behavior import behavior_scores, decodings, variables_of
from raysp.evaluation.bits_per_spike import bits_per_spike
from raysp.evaluation.history import history_scores
from raysp.evaluation.live import live_measures
from raysp.evaluation.nlb import JudgeFailed, benchmark_metrics, forward_counts, is_velocity, judge
from raysp.evaluation.rates import measures_of_truth, r2_per_unit, roughness
from raysp.evaluation.score import Score, known, score, scores
from raysp.io import files
from raysp.io.rows import Rows
from raysp.kinds.population.calibration import ratios, ratios_of_training
from raysp.kinds.population.latent_scores import latent_scores, training_scores
from raysp.kinds.population.silent import silent_scores
from raysp.kinds.population.weights import UNCHOSEN, WEIGHT
from raysp.models.prediction import Predicted, Prediction
from raysp.runs.folder import TrialFolder
from raysp.runs.metrics_table import of_trial

JUDGE = "nlb_tools"


def population_rows(trial: Trial, split: PopulationSplit, answers: Answers, folder: TrialFolder) -> Rows:
    """Return the rows of one trial: over all units, and co-bps of each held-out unit.

    A benchmark split is scored by nlb_tools; where it is not there, or fails, by raysp's own exact forms, which the
    rows say.

    Args:
        trial: whose predictions are scored.
        split: its data, the trial's units already selected.
        answers: the answers, likewise.
        folder: of the trial.

    Raises:
        BadInput: predictions are damaged or another trial's; predictions and answers do not fit each other.
    """
    from raysp.kinds.population.rates_file import read_rates

    parts = {part: Prediction(*read_rates(folder.predictions, part)) for part in ("train", "eval")}
    whole = split.role.benchmark and trial.units is None
    found = [
        *_not_predicted(answers, parts["eval"]),
        *(_judged(split, answers, parts) if whole else scores(_own(split, answers, parts))),
        *_beside(answers, parts["eval"]),
        *ratios(answers, parts["eval"]),
        *ratios_of_training(trial, split.train, parts["train"]),
        *_measured_by_the_trial(folder),
        *_weights(folder),
        *_behavior(split, answers, parts),
        *_states(split, answers, folder, trial),
        *latent_scores(trial, answers.trials, folder),
        *training_scores(trial, split.train, parts["train"].rates),
        *silent_scores(trial, split, answers, parts["eval"]),
        *_per_unit(split, answers, parts["eval"]),
    ]
    common = of_trial(trial, split, "eval")
    names = dict(split.provenance.unit_names)
    own = [_own_id(split, one.unit_index) for one in found]
    return [
        {**common, **one.row(), "unit": unit, "unit_name": None if unit is None else names.get(unit)}
        for unit, one in zip(own, found, strict=True)
    ]


def _judged(split: PopulationSplit, answers: Answers, parts: dict[str, Predicted]) -> list[Score]:
    """Return the judge's scores; raysp's own, with a note of why, where it is not there or fails."""
    from raysp.data.nlb.answers import answers_dict

    truth = answers_dict(answers, split.train)
    (group,) = truth
    heldin = split.sizes.heldin
    rates: dict[str, np.ndarray] = {}
    for part, prediction in parts.items():
        rates |= _halves(f"{part}_rates", prediction.rates, heldin)
    if parts["eval"].rates_forward is not None:
        for name, array in _halves("eval_rates", parts["eval"].rates_forward, heldin).items():
            rates[f"{name}_forward"] = array
    try:
        values = judge(truth, {group: rates})[group]
    except (NotReady, JudgeFailed) as reason:
        return [_instead(one, reason) for one in scores(_own(split, answers, parts))]
    others = {name: compute for name, compute in _own(split, answers, parts).items() if name not in values}
    return [*(known(name, value, judge=JUDGE) for name, value in values.items()), *scores(others)]


def _instead(own: Score, reason: Exception) -> Score:
    why = f"computed by raysp's own exact form, not by {JUDGE}: {reason}"
    return Score(own.metric, own.value, why if own.note is None else f"{own.note}; {why}")


def _not_predicted(answers: Answers, prediction: Predicted) -> list[Score]:
    """Return the scores that a prediction cannot have, though the answers are known."""
    if prediction.rates_forward is not None or forward_counts(answers.trials, answers.sizes.heldout) is None:
        return []
    return [Score("fp-bps", None, "the model predicts no bins after the observed ones")]


def _halves(stem: str, rates: np.ndarray, heldin: int) -> dict[str, np.ndarray]:
    return {f"{stem}_heldin": rates[..., :heldin], f"{stem}_heldout": rates[..., heldin:]}


def _own(split: PopulationSplit, answers: Answers, parts: dict[str, Predicted]) -> dict[str, Callable[[], float]]:
    train = split.train if split.train.behavior is not None else None
    return benchmark_metrics(
        answers, parts["eval"].rates, parts["eval"].rates_forward, train=train, train_rates=parts["train"].rates
    )


def _beside(answers: Answers, prediction: Predicted) -> list[Score]:
    # Reconstruction of the input units and closeness to known truth: beside the benchmark's numbers, never as them.
    name = "reconstruction bits/spike"
    found = scores({name: live_measures(prediction, answers.trials)[name]})
    if answers.trials.rates is not None:
        true = answers.trials.rates[:, : answers.sizes.bins]
        found += scores(measures_of_truth(prediction.rates, true))
        found.append(score("roughness", lambda: roughness(prediction.rates)))
    return found


def _measured_by_the_trial(folder: TrialFolder) -> list[Score]:
    # What the trial measured itself, with the model at hand.
    own = folder.read_metrics().get("evaluation", {}) if files.exists(folder.metrics) else {}
    values = settings.coerce(Mapping, own, f"{folder.metrics}, evaluation").items()
    return [known(name, settings.coerce(float | None, value, f"{folder.metrics}, {name}")) for name, value in values]


def _weights(folder: TrialFolder) -> list[Score]:
    """Return how far the network's rates were believed against the mean rates, by what was hidden."""
    own = folder.read_metrics().get("weights") if files.exists(folder.metrics) else None
    if own is None:
        return []
    chosen = settings.coerce(Mapping, own, f"{folder.metrics}, weights")
    if not chosen:
        return [Score(WEIGHT, None, UNCHOSEN)]
    rows = {place: settings.coerce(float, value, f"{folder.metrics}, weights") for place, value in chosen.items()}
    return [known(WEIGHT, value, parameter=place) for place, value in rows.items()]


def _behavior(split: PopulationSplit, answers: Answers, parts: dict[str, Predicted]) -> list[Score]:
    rates, history = (parts["train"].rates, parts["eval"].rates), split.provenance.decode_history
    names = [name for name, _ in variables_of(split.provenance, split.sizes.behavior)]
    beside = history_scores(split.train, answers.trials, *rates, history, names) if history else []
    if is_velocity(split.sizes.dataset, answers.trials.behavior):
        return beside
    found = decodings(split.sizes.dataset, split.train, answers.trials, *rates)
    return [*behavior_scores(found, names), *beside]


def _states(split: PopulationSplit, answers: Answers, folder: TrialFolder, trial: Trial) -> list[Score]:
    from raysp.evaluation.state import state_r2
    from raysp.kinds.population.latents_file import read_latents

    if split.train.states is None or answers.trials.states is None or not files.exists(folder.latents):
        return []
    latents = [read_latents(folder.latents, part, trial) for part in ("train", "eval")]
    try:
        found = state_r2(latents[0], split.train.states, latents[1], answers.trials.states)
    except BadInput as reason:
        return [Score("state R2", None, str(reason))]
    each = [known("state R2", float(value), parameter=f"dimension {index}") for index, value in enumerate(found)]
    return [known("state R2", float(found.mean())), *each]


def _per_unit(split: PopulationSplit, answers: Answers, prediction: Predicted) -> list[Score]:
    """Return co-bps of each held-out unit, undefined without a spike, and R2 of each unit whose true rate changes."""
    counts, heldin = answers.trials.heldout, split.sizes.heldin
    truth = _truth_per_unit(answers, prediction)
    if counts is None:
        return truth
    return truth + [
        score(
            "co-bps",
            partial(bits_per_spike, prediction.rates[..., heldin + unit, None], counts[..., unit, None]),
            unit_index=heldin + unit,
        )
        for unit in range(split.sizes.heldout)
    ]


def _truth_per_unit(answers: Answers, prediction: Predicted) -> list[Score]:
    if answers.trials.rates is None:
        return []
    try:
        each = r2_per_unit(prediction.rates, answers.trials.rates[:, : answers.sizes.bins])
    except BadInput:
        # The score over all units says why.
        return []
    return [known("true-rate R2", float(r2), unit_index=unit) for unit, r2 in enumerate(each) if np.isfinite(r2)]


def _own_id(split: PopulationSplit, index: int | None) -> int | None:
    """Return the recording's own number of a unit; None for all units, or where the recording has none."""
    ids = split.units
    return None if index is None or ids is None else int(ids[index])
