import pytest
import torch

from raysp.layers.attention import Block
from raysp.layers.coarse_attention import CoarseAttention
from raysp.layers.convnext import Block as ConvNext
from raysp.layers.convnext import GlobalResponse


@pytest.mark.parametrize("name", ["time", "space", "sequential", "parallel"])
@pytest.mark.parametrize("bins", [1, 5, 40])
def test_gated_attention_begins_as_nothing_and_can_learn(name, bins):
    layer, x = CoarseAttention(name, 8, 2), torch.randn(3, bins, 8)
    assert torch.equal(layer(x, (0, bins)), x)
    layer(x, (0, bins)).square().sum().backward()
    gates = [part.gate for part in (layer.time, layer.space) if part is not None]
    assert all(gate.grad != 0 for gate in gates)


@pytest.mark.parametrize("name", ["time", "space", "sequential", "parallel"])
def test_padding_is_never_attended_to(name):
    layer = CoarseAttention(name, 8, 2)
    for part in (layer.time, layer.space):
        if part is not None:
            torch.nn.init.ones_(part.gate)
    x = torch.randn(2, 9, 8)
    other = x.clone()
    other[:, :2], other[:, 7:] = 9.0, -9.0
    torch.testing.assert_close(layer(x, (2, 7))[:, 2:7], layer(other, (2, 7))[:, 2:7])


@pytest.mark.parametrize("pre_norm", [True, False])
def test_a_window_hides_what_lies_outside(pre_norm):
    block, x = Block(6, 2, 12, pre_norm=pre_norm), torch.randn(1, 5, 6)
    seen = (torch.arange(5)[None] - torch.arange(5)[:, None]).abs() <= 1
    other = x.clone()
    other[:, 4] = torch.randn(6)
    changed = (block(x, seen) - block(other, seen)).abs().sum(dim=2)[0] > 1e-5
    assert changed.tolist() == [False, False, False, True, True]


def test_global_response_begins_as_nothing_and_makes_channels_compete():
    layer, x = GlobalResponse(2), torch.tensor([[[3.0, 1.0]], [[3.0, 1.0]]])
    assert torch.equal(layer(x), x)
    torch.nn.init.ones_(layer.scale)
    assert layer(x)[0, 0].tolist() == pytest.approx([3 * 1.5 + 3, 0.5 + 1], rel=1e-4)


def test_convnext_keeps_padding_at_zero_and_out_of_the_data():
    block, x = ConvNext(4, 0.0), torch.randn(2, 12, 4)
    other = x.clone()
    other[:, :3], other[:, 10:] = 5.0, 5.0
    found = block(x, (3, 10))
    torch.testing.assert_close(found, block(other, (3, 10)))
    assert not found[:, :3].any()
