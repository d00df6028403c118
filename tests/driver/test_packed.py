"""The process of a packing measurement: it warms up, waits, and stops when it is told."""

import contextlib
import io
import json
import os

import pytest

from raysp.driver import packed


@pytest.fixture
def wire():
    reading, writing = os.pipe()
    with os.fdopen(reading) as words:
        sender = os.fdopen(writing, "w")
        yield words, sender
        with contextlib.suppress(OSError):
            sender.close()


def send(sender, word):
    sender.write(word + "\n")
    sender.flush()


def test_it_warms_up_waits_and_trains_until_it_is_stopped(wire):
    words, sender = wire
    answers = io.StringIO()
    meter = packed.Meter(0.0, words, answers)
    send(sender, "go")
    assert all(meter.keep_going() for _ in range(packed.WARM_UP_EPOCHS))
    assert answers.getvalue() == "ready\n"
    assert meter.ends == []
    assert all(meter.keep_going() for _ in range(packed.LEAST_EPOCHS - 1))
    assert answers.getvalue() == "ready\n"
    assert meter.keep_going()
    assert answers.getvalue() == "ready\nenough\n"
    assert meter.keep_going()
    send(sender, "stop")
    assert not meter.keep_going()
    assert answers.getvalue() == "ready\nenough\n"
    assert len(meter.ends) == len(meter.cpu) == packed.LEAST_EPOCHS + 2
    assert meter.ends == sorted(meter.ends)


def test_enough_takes_the_wanted_time(wire):
    words, sender = wire
    answers = io.StringIO()
    meter = packed.Meter(1000.0, words, answers)
    send(sender, "go")
    for _ in range(packed.WARM_UP_EPOCHS + 20):
        assert meter.keep_going()
    assert answers.getvalue() == "ready\n"


def test_it_ends_when_the_measurement_is_gone(wire):
    words, sender = wire
    meter = packed.Meter(0.0, words, io.StringIO())
    sender.close()
    assert [meter.keep_going() for _ in range(packed.WARM_UP_EPOCHS)][-1] is False


def test_what_is_printed_while_training_is_no_answer(capsys, monkeypatch):
    def chatty(job, meter):
        print("epoch 1")
        meter.say("ready")

    answers = io.StringIO()
    monkeypatch.setattr(packed, "train", chatty)
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"seconds": 1.0}) + "\n"))
    monkeypatch.setattr("sys.__stdout__", answers)
    packed.main()
    assert answers.getvalue() == "ready\n"
    assert "epoch 1" in capsys.readouterr().err


def test_peak_memory_holds_what_was_allocated():
    before = packed.peak_host_bytes()
    block = bytearray(b"x" * 300_000_000)
    after = packed.peak_host_bytes()
    assert after >= 300_000_000
    del block
    assert packed.peak_host_bytes() >= after >= before
