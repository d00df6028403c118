import os
import signal

import pytest

from raysp.io.interruption import exit_status, taken_for_ctrl_c


@pytest.fixture(autouse=True)
def defaults():
    before = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_end_is_taken_for_ctrl_c_once(number, status):
    with pytest.raises(KeyboardInterrupt) as message, taken_for_ctrl_c():
        try:
            os.kill(os.getpid(), number)
        finally:
            os.kill(os.getpid(), number)
    assert exit_status(message.value) == status
    assert signal.getsignal(number) is signal.SIG_DFL


def test_what_was_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with taken_for_ctrl_c(from_others=True):
        os.kill(os.getpid(), signal.SIGHUP)
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_librarys_own_handler_gives_way_only_where_asked():
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    with taken_for_ctrl_c():
        os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt), taken_for_ctrl_c(from_others=True):
        os.kill(os.getpid(), signal.SIGTERM)


def test_ctrl_c_itself_is_130():
    assert exit_status(KeyboardInterrupt()) == 130
