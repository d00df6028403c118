"""What masked models must keep, whichever network is inside."""

import dataclasses

import numpy as np
import pytest
import torch

import raysp
from raysp.data.splits.batch import complete, to_device
from raysp.data.splits.population import Sizes
from raysp.errors import BadInput
from raysp.models import catalog, masked, masked_cnn, unet
from raysp.objectives import masks
from tests.models.made_up import made_up_split

NAMES = ["unet", "ndt", "masked_gru", "masked_cnn"]
VARIANTS = {
    "plain": {},
    "mask shown": {"mask_input": True},
    "token": {"fill": "token", "mask": "neuron"},
    "linear": {"fill": "linear", "mask": "span", "mask_span": 3},
    "random": {"fill": "random", "mask": "block", "mask_span": 2},
    "not rescaled": {"rescale": False},
    "learned scale": {"link": "scaled_softplus", "mask": "timestep"},
    "squared errors": {"loss": "mse", "link": "identity"},
    "augmented": {"time_flip": 0.5, "time_jitter": 2, "lost_units": 0.3},
    "many looks": {"predict_masks": 3},
    "repeats": {"mix_repeats": 0.5, "repeat_targets": True, "time_flip": 0.5, "time_jitter": 1},
}
OF_UNET = {
    "original": {"doubling": "sum", "padding": "zeros", "width_cap": 0},
    "deconvolution": {"doubling": "deconv", "layers": 2},
    "no layer": {"layers": 0},
    "edges, layer norm": {"padding": "edge", "norm": "layer", "skip_embedding": True},
    "reflected": {"padding": "reflect", "layers": 1, "norm": "none"},
    "convnext": {"block": "convnext", "layers": 2, "dropout": 0.2},
    "time": {"attention": "time"},
    "space": {"attention": "space"},
    "both": {"attention": "sequential", "layers": 0},
    "dropout": {"dropout": 0.3, "input_dropout": 0.1, "output_dropout": 0.2},
}
OF_NDT = {
    "table of counts": {"count_embedding": 2},
    "window": {"back": 1, "ahead": 2, "positions": "sinusoidal", "pre_norm": False},
    "ramp": {"mask_span": 3, "ramp_start": 0, "ramp_end": 2},
}
CASES = [
    *((name, label, settings) for name in NAMES for label, settings in VARIANTS.items()),
    *(("unet", label, settings) for label, settings in OF_UNET.items()),
    *(("ndt", label, settings) for label, settings in OF_NDT.items()),
]
PLAIN = made_up_split(trials=10, bins=9)
# Five conditions of two trials each.
SPLIT = dataclasses.replace(PLAIN, train=dataclasses.replace(PLAIN.train, condition=np.arange(10) // 2))


def built(name, settings, split=SPLIT):
    torch.manual_seed(0)
    model = catalog.build(name, settings, split.sizes)
    model.start(split.train)
    model.begin_epoch(2)
    return model


def batch(split=SPLIT, seed=None):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    return dataclasses.replace(to_device(split.train, "cpu"), rates=None, generator=generator)


@pytest.mark.parametrize(("name", "label", "settings"), CASES, ids=lambda value: str(value)[:24])
def test_every_variant_trains_and_predicts(name, label, settings):
    model = built(name, settings).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    with torch.no_grad():
        before = model.eval().loss(batch()).total
    for step in range(25):
        optimizer.zero_grad()
        model.train().loss(batch(seed=step)).total.backward()
        optimizer.step()
    with torch.no_grad():
        assert model.eval().loss(batch()).total < before
    with torch.no_grad():
        found = model.eval().predict(batch().inputs())
    assert found.rates.shape == (10, 9, 9)
    assert found.rates_forward.shape == (10, 2, 9)
    assert torch.isfinite(found.rates).all()
    assert (found.rates >= 0).all()


@pytest.mark.parametrize(("name", "label", "settings"), CASES, ids=lambda value: str(value)[:24])
def test_hidden_counts_reach_the_output_in_no_way(name, label, settings):
    model = built(name, settings).eval()
    counts = model._with_forward(batch().heldin)
    hidden = masks.draw(counts.shape, "full", 0.4, torch.Generator().manual_seed(3)) | torch.isnan(counts)
    other = torch.where(hidden, torch.full_like(counts, 7.0), counts)
    assert torch.equal(model._seen(counts, hidden, None)[0], model._seen(other, hidden, None)[0])


def test_inputs_are_as_large_in_training_as_when_all_is_visible():
    split = made_up_split(trials=200)
    model = built("masked_gru", {"mask_ratio": 0.5}, split)
    counts = model._with_forward(batch(split).heldin)
    hidden = model._drawn(counts.shape, torch.Generator().manual_seed(0), "full", 1)
    seen = []
    model.network = lambda inputs, hidden: (seen.append(inputs.sum(dtype=torch.float64)), None)
    model._seen(counts, hidden, None)
    assert abs(seen[0] / counts.nansum(dtype=torch.float64) - 1) < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_visible_counts_are_not_asked_for(name):
    """With all but one unit's counts known, the gradient of the loss by the output lies on hidden entries alone."""
    model = built(name, {"mask_ratio": 0.3}).eval()
    seen = {}
    original = model._seen

    def spy(counts, hidden, generator):
        output, latents = original(counts, hidden, generator)
        output.retain_grad()
        seen["hidden"], seen["output"] = hidden, output
        return output, latents

    model._seen = spy
    model._hidden_loss(batch().whole(), torch.Generator().manual_seed(0), training=False).total.backward()
    gradient, sizes = seen["output"].grad, SPLIT.sizes
    heldin = gradient[:, : sizes.bins, : sizes.heldin]
    hidden = seen["hidden"][:, : sizes.bins]
    assert not heldin[~hidden].any()
    assert heldin[hidden].all()
    assert gradient[:, :, sizes.heldin :].all()
    assert gradient[:, sizes.bins :].all()


@pytest.mark.parametrize("label", ["plain", "learned scale", "squared errors", "augmented"])
def test_whole_counts_take_a_short_way_to_the_same_loss_and_gradients(label, monkeypatch):
    split = made_up_split(trials=10, bins=9, heldout=0, forward=0)
    found = []
    for whole in (True, False):
        monkeypatch.setattr(masked, "complete", lambda counts, whole=whole: whole and complete(counts))
        model = built("unet", VARIANTS[label], split).train()
        loss = model.loss(batch(split, seed=3))
        loss.total.backward()
        found.append((loss.known, loss.total, *(weight.grad for weight in model.parameters())))
    assert 0 < found[0][0] < split.train.heldin.size
    for short, long in zip(*found, strict=True):
        torch.testing.assert_close(short, long)


def test_one_unknown_count_makes_the_counts_incomplete():
    counts = torch.ones(2, 3, 4)
    assert complete(counts)
    counts[1, 2, 3] = torch.nan
    assert not complete(counts)


@pytest.mark.parametrize("name", NAMES)
def test_other_repeats_are_asked_for_wherever_there_are_any(name):
    model = built(name, {"repeat_targets": True}).eval()
    asked = []
    model._hidden_loss = lambda shown, generator, *, training, asked=None, to=asked: to.append((shown, asked))
    whole = batch(seed=0)
    model.loss(whole)
    # Conditions of two trials: each is asked what the other counted.
    (shown, other), pairs = asked[0], [1, 0, 3, 2, 5, 4, 7, 6, 9, 8]
    torch.testing.assert_close(shown, whole.whole())
    torch.testing.assert_close(other, whole.whole()[pairs])


@pytest.mark.parametrize("name", NAMES)
def test_validation_looks_are_the_same_each_time_and_train_looks_are_not(name):
    model = built(name, {}).eval()
    assert torch.equal(model.loss(batch()).total, model.loss(batch()).total)
    one, two = model.loss(batch(seed=1)).total, model.loss(batch(seed=2)).total
    assert not torch.equal(one, two)


@pytest.mark.parametrize("name", NAMES)
def test_silent_trials_and_huge_counts_are_borne(name):
    model = built(name, {}).train()
    heldin = torch.zeros(4, 9, 6)
    heldin[1] = 1e4
    heldin[2, 3] = torch.nan
    strange = dataclasses.replace(batch(seed=0).take(slice(0, 4), torch.Generator().manual_seed(0)), heldin=heldin)
    loss = model.loss(strange).total
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(weights.grad).all() for weights in model.parameters())


@pytest.mark.parametrize("bins", [*range(1, 20), 37, 100, 137, 200])
@pytest.mark.parametrize("layers", range(5))
def test_a_unet_takes_any_number_of_bins(bins, layers):
    model = built("unet", {"layers": layers, "width": 4}, split := made_up_split(trials=2, bins=bins, forward=0))
    with torch.no_grad():
        assert model.train().predict(batch(split).inputs()).rates.shape == (2, bins, 9)


@pytest.mark.parametrize(
    ("layers", "units", "width", "parameters"),
    [(0, 60, 20, 2480), (1, 60, 20, 6580), (2, 60, 20, 21180), (3, 60, 20, 75980), (4, 60, 20, 287980),
     (3, 29, 20, 74709), (4, 29, 5, 20699), (3, 50, 20, 75570), (4, 60, 5, 21040)],
)  # fmt: skip
def test_the_originals_form_has_its_number_of_parameters(layers, units, width, parameters):
    config = unet.Config(layers=layers, width=width, doubling="sum", padding="zeros", width_cap=0, norm="batch")
    model = unet.Model(config, Sizes("x", 10.0, 100, units))
    assert sum(weights.numel() for weights in model.parameters()) == parameters


def test_the_baseline_has_the_originals_number_of_parameters():
    config = masked_cnn.Config(width=10, layers=1, kernel=13, norm="batch")
    model = masked_cnn.Model(config, Sizes("x", 10.0, 100, 60))
    assert sum(weights.numel() for weights in model.parameters()) == 2600


@pytest.mark.parametrize(("bin_ms", "bins"), [(1, 51), (4, 31), (5, 25), (10, 13), (20, 13), (200, 13)])
def test_a_kernel_reaches_as_far_in_time_whatever_the_bins_are(bin_ms, bins):
    assert masked_cnn.Config().bins_of(bin_ms) == bins
    assert masked_cnn.Model(masked_cnn.Config(), Sizes("x", bin_ms, 100, 6)).layers[0].row.weight.shape[-1] == bins
    assert masked_cnn.Config(kernel=7).bins_of(bin_ms) == 7


def test_the_noise_of_sparse_counts_is_not_what_is_learnt_first():
    split = raysp.load_split(source="made_up", units=20, heldout=5, trials=60, bins=120, bin_ms=5.0, rate_hz=8.0)
    fits = (("mean_rate", {}), ("masked_cnn", {"epochs": 15}), ("masked_cnn", {"epochs": 15, "norm": "batch"}))
    curves = [raysp.fit(name, split, progress=False, **settings).curve for name, settings in fits]
    floor, plain, normalised = (curve["unseen_loss"].min() for curve in curves)
    assert plain < normalised
    assert plain < 0.99 * floor


@pytest.mark.parametrize(("layers", "fields"), [(0, {1}), (1, {11, 13}), (2, {33, 37}), (3, {77, 85})])
def test_how_far_the_originals_form_sees(layers, fields):
    config = unet.Config(layers=layers, width=4, doubling="sum", padding="zeros", width_cap=0, norm="none")
    model = unet.Model(config, Sizes("x", 10.0, 201, 3)).eval()
    with torch.no_grad():
        # No rectifier is closed, so that whatever can reach the output does.
        for weights in model.parameters():
            weights.abs_()
    found = set()
    for place in range(96, 104):
        x = torch.rand(1, 201, 3, requires_grad=True)
        model.network(x, torch.zeros(1, 201, 3, dtype=torch.bool))[0][0, place].sum().backward()
        reached = x.grad[0].abs().sum(dim=1).nonzero().flatten()
        found.add(int(reached.max() - reached.min()) + 1)
    assert found == fields


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("unet", {"mask_ratio": 0.0}, "hides nothing"),
        ("unet", {"mask_ratio": 1.0}, "too much"),
        ("unet", {"link": "identity"}, "expected loss mse"),
        ("unet", {"width": 5, "layers": 0, "attention": "time"}, "heads expected a divisor of the coarsest level's 5"),
        ("ndt", {"ramp_start": 5, "ramp_end": 2}, "ramp_end expected at least ramp_start 5, got 2"),
        ("masked_cnn", {"kernel": 4}, "odd number of bins"),
        ("masked_gru", {"dropout": 1.0}, "dropout expected a share"),
    ],
)
def test_settings_that_make_no_sense_are_refused(name, values, message):
    with pytest.raises(BadInput, match=message):
        catalog.config(name, values)


def test_too_few_bins_to_reflect_are_refused_when_the_model_is_built():
    with pytest.raises(BadInput, match="take fewer layers"):
        built("unet", {"padding": "reflect", "layers": 4}, made_up_split(bins=3, forward=0))


def test_an_ensemble_of_one_is_its_member_and_of_more_their_mean():
    model = catalog.build("ensemble", {"member": "masked_cnn", "members": 1}, SPLIT.sizes).eval()
    assert torch.equal(model.predict(batch()).rates, model.members[0].predict(batch()).rates)
    model = catalog.build("ensemble", {"member": "masked_cnn", "members": 3}, SPLIT.sizes).eval()
    rates = torch.stack([member.predict(batch()).rates for member in model.members])
    torch.testing.assert_close(model.predict(batch()).rates, rates.mean(dim=0))
    with pytest.raises(BadInput, match="gradient descent"):
        catalog.config("ensemble", {"member": "mean_rate"})
