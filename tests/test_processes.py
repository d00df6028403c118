import subprocess
import sys

import psutil

from tests import processes

# Leaves its session and its parent, as Ray's processes do.
ORPHAN = """
import os, subprocess, sys
command = [sys.executable, "-c", "import time; time.sleep(9999)"]
child = subprocess.Popen(command, stdout=-3, stderr=-3, start_new_session=True)
print(child.pid, flush=True)
"""


def test_what_a_command_left_behind_ends_with_it():
    before = processes.count()
    process = processes.start([sys.executable, "-c", ORPHAN])
    orphan = psutil.Process(int(processes.finish(process)))
    assert orphan.is_running()
    other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    processes.end(before)
    assert not orphan.is_running() or orphan.status() == psutil.STATUS_ZOMBIE
    assert other.poll() is None
    other.communicate()
    assert processes.count() == before
