from __future__ import annotations

import pytest
import torch

from raysp.errors import BadInput, NotReady
from raysp.training import device


def test_auto_is_what_there_is():
    assert device.choose("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_an_unknown_device_is_refused():
    with pytest.raises(BadInput, match="expected auto, cpu, cuda"):
        device.choose("tractor")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_not_there_is_told_of():
    with pytest.raises(NotReady, match="torch sees no GPU"):
        device.choose("cuda")


def test_mixed_precision_is_for_gpus_alone():
    with device.precision(torch.device("cpu"), "bfloat16"):
        assert (torch.zeros(2, 2) @ torch.zeros(2, 2)).dtype == torch.float32
