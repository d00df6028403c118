"""A fitted model at hand: what it predicts, how it scores, how it came about."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Mapping, Sequence, Set, Sized
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from raysp.config import plugins
from raysp.config.experiment import Trial
from raysp.config.settings import coerce
from raysp.data.splits import catalog as splits
from raysp.data.splits.header import Header
from raysp.data.splits.split import Split
from raysp.errors import BadInput, NotReady
from raysp.io import files
from raysp.kinds import catalog as kinds
from raysp.kinds.kind import Kind
from raysp.kinds.perturbation import Perturbation
from raysp.models import catalog
from raysp.notebook.loaded_split import TEST, LoadedSplit, check_loaded
from raysp.runs.folder import TrialFolder
from raysp.runs.metrics_table import as_read, frame
from raysp.training.fitted import Fitted
from raysp.training.job import Job
from raysp.training.process_limits import limited
from raysp.trials.run_trial import write_products

if TYPE_CHECKING:
    import polars
    from torch import nn


@dataclass(frozen=True)
class FittedModel:
    """A model, fitted to a split.

    Attributes:
        trial: what was fitted, with all hyperparameters; its id is that of the same trial in a run.
        job: the same with its device.
        fitted: the network with its best weights, and how it came about.
        threads: CPU threads that it computes with.
        header: of the split, with its units.
    """

    trial: Trial
    job: Job = field(repr=False)
    fitted: Fitted = field(repr=False)
    threads: int = 1
    header: Header | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        best = f", best of {self.fitted.epochs} epochs: {self.fitted.best_epoch}" if self.fitted.epochs else ""
        return f"{self.trial.shown} fitted to {self.trial.split}, seed {self.trial.seed}{best}"

    @property
    def model(self) -> nn.Module:
        """The network, in eval mode, on the device that it was fitted on."""
        return self.fitted.model

    @property
    def curve(self) -> polars.DataFrame:
        """A row per epoch: epoch, train_loss and validation_loss (the model's own), unseen_loss (nats per entry of what
        was not shown, the same for every model), learning_rate, seconds, and the live metrics that were measured.
        """
        import polars

        return polars.DataFrame(self.fitted.curve, infer_schema_length=None)

    def predict(self, data: Any) -> Any:
        """Return what the model predicts.

        Args:
            data: a part of a split, as `split.eval`; or the split, of which the evaluation part is predicted.

        Returns:
            Of trials: `rates` (trials, bins, units) float32 expected spikes per bin, held-in units first;
            `rates_forward` (trials, forward, units) and `latents` (trials, bins, dimensions), None where the model has
            none. Of a continuous recording: its test part's spike trains, one for each unit and decoding. Of injected
            currents: one for each unit and current of the test part, with `rates` (bins,) spikes/ms. Of
            labelled sequences: float32 logits (samples, readouts, classes) of the test part, or of the sequences given.

        Raises:
            BadInput: a split has other units, or units in another order, or other bins than the model was fitted to.
            RuntimeError: torch's own, where a part has another number of units.

        Examples:
            >>> import numpy as np, raysp
            >>> split = raysp.load_split(np.random.default_rng(0).poisson(0.3, size=(40, 50, 12)), bin_ms=20)
            >>> fitted = raysp.fit("mean_rate", split, progress=False)
            >>> fitted.predict(split.eval).rates.shape
            (10, 50, 12)
        """
        given = self.own(data).split if isinstance(data, LoadedSplit) else data
        if given is None or isinstance(given, np.ndarray | str | bytes | int | float | list | tuple | Mapping):
            what = "an array" if isinstance(given, np.ndarray) else type(given).__name__
            told = f"{self.trial.shown} expected a split of raysp.load_split, or a part of one, got {what}"
            raise BadInput(f"{told}; load_split takes counts")
        if isinstance(given, Sized) and not len(given):
            raise BadInput(f"{self.trial.shown} expected at least one trial to predict, got a part of none")
        with limited(self.threads):
            return self._kind.predicted(self.job, self.fitted, given)

    def scores(self, split: LoadedSplit) -> polars.DataFrame:
        """Return the scores of the evaluation part, as a run has them.

        Args:
            split: the one that the model was fitted to, or another one of its units, with answers.

        Returns:
            The rows of a run's metrics.parquet: run_trial, model, split, metric, parameter, unit, value, note and so
            on; `value` is null where a score is undefined, and `note` says why. `unit` is null for a score over all.
            Of another split there are none of training trials, since the model was fitted to none of them.

        Raises:
            NotReady: the answers are not known.
            BadInput: it is no split that `raysp.load_split` gives, or as of `predict`.

        Examples:
            >>> import numpy as np, polars, raysp
            >>> split = raysp.load_split(np.random.default_rng(0).poisson(0.3, size=(40, 50, 12)), bin_ms=20)
            >>> scores = raysp.fit("mean_rate", split, progress=False).scores(split)
            >>> scores.filter(polars.col("unit").is_null(), metric="co-bps").height
            1
        """
        check_loaded(split)
        own, kind, trial = self.own(split), self._kind, self._trial_on(split)
        whole = split if kind.shares_units else own
        if splits.of(split.kind).Answers is not None and split.answers is None:
            looked_at = "" if split.role.phase != TEST else ", as `raysp evaluate RUN --phase test` does, and counts it"
            raise NotReady(f"the answers of {split.name} are not here; a run is scored against them{looked_at}")
        with tempfile.TemporaryDirectory(prefix="raysp-") as temporary, limited(self.threads):
            folder = TrialFolder(files.join(temporary, trial.id))
            write_products(kind, dataclasses.replace(self.job, trial=trial), self.fitted, own.split, folder)
            rows = kind.score(trial, whole.split, whole.answers, folder)
        if trial is not self.trial:
            # Of the other split's training trials, the model was fitted to none.
            of_fit = {(name, one) for name, metric in kind.metrics.items() for one in metric.fitted}
            rows = [row for row in rows if (row["metric"], row["parameter"] or "") not in of_fit]
        return as_read(frame(rows))

    def perturb(
        self, split: LoadedSplit, *, silence: Sequence[int] = (), drive: Mapping[int, float] | None = None,
        bins: tuple[int, int] | None = None, trials: int = 100,
    ) -> polars.DataFrame:  # fmt: skip
        """Return what units do in free runs while some are silenced or driven, of a model of movies.

        Args:
            split: the one that the model was fitted to, or another one of its shape.
            silence: units that have no spikes.
            drive: unit -> what is added to the logit of its rate, or to its logarithm where bins have counts.
            bins: the first bin in which that is done, and the one after the last; None for all.
            trials: free runs of each movie, with and without.

        Returns:
            A row per movie of the test part and unit: its own `push`, `usual_rate` and `rate` in spikes a bin over the
            scored bins in which units are pushed, `change`, and its standard error over runs.

        Raises:
            BadInput: nothing is done, there is no such unit or bin, or models of that kind do not run on freely.

        Examples:
            >>> import raysp
            >>> split = raysp.load_split(source="movie_teacher", units=4, hidden=0, frames=40, repeats=12)
            >>> fitted = raysp.fit("movie_psth", split, progress=False)
            >>> fitted.perturb(split, silence=[2])["rate"].round(6)[2]
            0.0
        """
        check_loaded(split)
        how = Perturbation(
            coerce(tuple[int, ...], tuple(silence) if isinstance(silence, range | Set) else silence, "silence"),
            {
                one: coerce(float, push, f"drive of {one}")
                for one, push in coerce(Mapping, drive or {}, "drive").items()
            },
            coerce(tuple[int, int] | None, bins, "bins"),
            coerce(int, trials, "trials"),
        )
        with limited(self.threads):
            return self._kind.perturb(self.job, self.fitted, self.own(split).split, how)

    def own(self, split: LoadedSplit) -> LoadedSplit:
        """Return a split with the trial's units only. Raises BadInput where they, or the bins, are not the model's."""
        own = split.of_units(self.trial.units)
        if self.header is None or own.split.fingerprint() == self.header.fingerprint:
            return own
        known = own.header
        told = f"{self.trial.shown} was fitted to {self.trial.split}: expected"
        asked, given = self.header.units, known.units
        if asked is not None and given is not None and asked != given:
            first = next((pair for pair in zip(asked, given, strict=False) if pair[0] != pair[1]), ("all", "others"))
            raise BadInput(
                f"{told} its {len(asked)} units in their order, got {len(given)} of {split.name}, where {first[1]} is "
                f"in the place of {first[0]}; hide the same ones (seed, heldout_fraction), or fit to that split"
            )
        width = getattr(self.header.sizes, "bin_ms", None)
        if width != (other := getattr(known.sizes, "bin_ms", None)):
            raise BadInput(f"{told} bins of {width} ms, got {other} of {split.name}")
        return own

    @property
    def _kind(self) -> Kind[Split]:
        # A run that was opened since may have brought other code under the same names.
        plugins.use(self.trial.plugins, "")
        return kinds.of(catalog.kind(self.trial.model))

    def _trial_on(self, split: LoadedSplit) -> Trial:
        """Return the trial as a run would have it on another split; on its own it keeps its id."""
        known = split.header
        if (known.name, known.fingerprint) == (self.trial.split, self.trial.data):
            return self.trial
        return dataclasses.replace(self.trial, split=known.name, data=known.fingerprint)
