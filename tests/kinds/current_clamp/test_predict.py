import numpy as np
import pytest

from raysp.kinds.current_clamp.predict import training_losses
from raysp.models.gfr import model as gfr
from tests.data.clamp_splits import made_up


class Once:
    def report(self, note):
        pass

    def once(self, name, make):
        return make()


def test_the_training_loss_is_the_mean_over_stimuli_of_sums_over_the_longest_sweeps_bins():
    split = made_up(2, seed=7)
    rates = np.random.default_rng(0).uniform(0.01, 0.05, len(split.current)).astype(np.float32)
    expected = {}
    for unit in range(2):
        groups = []
        for stimulus in split.stimuli:
            sweeps = [sweep for sweep in split.sweeps_of(unit, stimulus) if split.sweep_parts[sweep, 0]]
            if sweeps:
                sums = []
                for sweep in sweeps:
                    end, at = split.sweep_parts[sweep, 0], split.current_ptr[split.sweep_current[sweep]]
                    mean = rates[at : at + end].astype(np.float64) * 20
                    sums.append((mean - split.counts_of(sweep)[:end] * np.log(mean + 1e-8)).sum())
                groups.append(np.mean(sums) / max(split.sweep_parts[sweep, 0] for sweep in sweeps))
        expected[int(split.unit_ids[unit])] = pytest.approx(np.mean(groups))
    assert training_losses(split, rates) == expected


def test_it_is_what_the_published_protocol_logs_but_for_bins_behind_short_sweeps():
    split = made_up(1, seed=2, longest=7)
    split.sweep_parts[split.sweeps_of(0, "Noise 1")] = np.diff(split.sweep_ptr)[split.sweeps_of(0, "Noise 1"), None]
    config = gfr.Config(protocol="paper", epochs=1, learning_rates=(1e-9,), activation_epochs=20)
    model = gfr.Model(config, split.sizes)
    model.fit(split, Once())
    (row,) = model.rows()
    assert training_losses(split, model.rates(split)) == {5: pytest.approx(row["train_loss"], rel=1e-4)}
