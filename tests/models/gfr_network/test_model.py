"""Networks of GFR neurons: the published numbers, the compiled layer against torch's gradient, what is frozen."""

import dataclasses

import numpy as np
import pytest
import torch

from raysp.data.splits.labelled_batch import LabelledBatch
from raysp.data.splits.labelled_sequences import SequenceSizes
from raysp.kinds.labelled_sequences.made_up import made_up
from raysp.models import catalog
from raysp.models.gfr_network.model import Config, Model

LAYERS = [f"{layer}.{part}" for layer in ("inward", "recurrent", "outward") for part in ("weight", "bias")]
L_MNIST = SequenceSizes("mnist", 28, 28, 10)


@pytest.fixture(autouse=True)
def double():
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def published(**settings):
    """Return the network of which the original's logits are known."""
    model = Model(Config(hidden=4, feedback=1000.0, readouts=2, **settings), SequenceSizes("x", 5, 3, 2))
    with torch.no_grad():
        for k, name in enumerate(LAYERS):
            one = model.get_parameter(name)
            one.copy_(torch.tensor(0.7 * np.sin(np.arange(one.numel()) + k)).view_as(one))
        model.neurons.alpha += torch.tensor(0.1 * np.sin(np.arange(16))).view(4, 4)
        model.neurons.beta += torch.tensor(1e-4 * np.cos(np.arange(16))).view(4, 4)
    return model


@pytest.mark.parametrize("compiled", [True, False])
def test_logits_are_those_of_the_original(compiled):
    found = published(compiled=compiled).logits(torch.tensor(np.abs(np.sin(np.arange(30)))).view(2, 5, 3), 2)
    expected = [
        [[-1.1438284, 0.4222088], [-1.1336473, 0.4088992]], [[-1.1406013, 0.4179900], [-1.1318530, 0.4065535]],
    ]  # fmt: skip
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-6)


@pytest.mark.parametrize(("dtype", "near"), [(torch.float64, 1e-8), (torch.float32, 1e-4)])
@pytest.mark.parametrize("degree", [1, 2])
def test_the_compiled_gradient_is_autograds(dtype, near, degree):
    torch.set_default_dtype(dtype)
    split = made_up(steps=9)
    batch = LabelledBatch.of(split.train, "cpu")
    batch = dataclasses.replace(batch, sequences=batch.sequences.to(dtype))
    found = {}
    for compiled in (True, False):
        torch.manual_seed(0)
        model = Model(Config(hidden=11, train_activations=True, trained_readouts=3, compiled=compiled), split.sizes)
        with torch.no_grad():
            own = model.neurons
            if degree == 2:
                own.poly = torch.nn.Parameter(torch.cat([own.poly, torch.ones(11, 1)], dim=1))
            for name in ("alpha", "beta", "poly", "threshold"):
                getattr(own, name).add_(0.2 * torch.randn_like(getattr(own, name)))
            own.sigma.uniform_(0.5, 2)
            own.gamma.uniform_(0.5, 2)
        loss = model.loss(batch).total
        loss.backward()
        found[compiled] = {"loss": loss.detach(), **{name: one.grad for name, one in model.named_parameters()}}
    assert {"neurons.alpha", "neurons.beta", "neurons.poly", "neurons.threshold"} <= found[True].keys()
    for name, right in found[False].items():
        torch.testing.assert_close(found[True][name], right, rtol=0, atol=near * float(right.abs().max()), msg=name)


@pytest.mark.parametrize(
    ("settings", "trained"),
    [
        ({}, {"alpha", "beta"}),
        ({"train_activations": True}, {"alpha", "beta", "poly", "threshold"}),
        ({"train_filters": False}, set()),
    ],
)
def test_what_is_frozen_is_kept_and_no_parameter(settings, trained):
    split = made_up()
    model = Model(Config(hidden=5, **settings), split.sizes)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    assert {name for name, _ in model.neurons.named_parameters()} == trained
    batch = LabelledBatch.of(split.train, "cpu")
    batch = dataclasses.replace(batch, sequences=batch.sequences.double())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        model.loss(batch).total.backward()
        optimizer.step()
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {*LAYERS} | {f"neurons.{name}" for name in trained}


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("gfr_network", 7355),
        ("gfr_network, 128", 23562),
        ("gfr_network, frozen", 21514),
        ("rnn_classifier", 7354),
        ("snn_leaky", 7354),
        ("snn_synaptic", 7354),
        ("lstm_classifier", 7510),
    ],
)
def test_networks_are_of_the_published_comparisons_sizes(name, count):
    taps = {"hidden": 128, "taus": [20, 50, 100, 200, 500, 1000, 2000]}
    settings = {"gfr_network, 128": taps, "gfr_network, frozen": {**taps, "train_filters": False}}
    model = catalog.build(name.partition(",")[0], settings.get(name, {}), L_MNIST)
    assert sum(weights.numel() for weights in model.parameters()) == count


def test_a_neuron_without_filters_is_the_plain_networks_unit():
    split = made_up()
    torch.manual_seed(0)
    network = Model(Config(hidden=7), split.sizes)
    plain = catalog.build("rnn_classifier", {"hidden": 7}, split.sizes)
    plain.load_state_dict(network.state_dict(), strict=False)
    sequences = torch.as_tensor(split.test).double()
    torch.testing.assert_close(network.logits(sequences, 3), plain.logits(sequences, 3))
