"""Trials that do nothing, or harm, for testing the pool."""

import os
import pathlib
import signal
import time

from raysp.errors import Interrupted


def behave(trial, setting, report, keep_going):
    """Do what the trial's settings say; leave a file per attempt in the run folder."""
    folder = pathlib.Path(setting.run)
    name = trial.hyperparameters["name"]
    attempt = len(list(folder.glob(f"{name}.*")))
    (folder / f"{name}.{attempt}").write_text(str(os.getpid()))
    if trial.hyperparameters["does"] == "raise":
        raise ValueError("as told")
    if trial.hyperparameters["does"] == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if trial.hyperparameters["does"] == "die once" and attempt == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    if trial.hyperparameters["does"] == "wait":
        for epoch in range(600):
            report({"epoch": epoch, "epochs": 600})
            if not keep_going():
                raise Interrupted
            time.sleep(0.1)
    return {"seconds": 0.0, "threads": os.environ["OMP_NUM_THREADS"]}
