"""A study whose trials were never run: their folders are written as if they had ended in this way or that."""

from raysp.config import settings
from raysp.config.experiment import Training
from raysp.io import files
from raysp.models import catalog
from raysp.runs.folder import RunFolder
from raysp.search.space_check import flat
from raysp.search.space_file import parse_space
from raysp.search.study import Candidate, Definition, Study

SPACE = {
    "model.hidden": {"int": [16, 256], "log": True},
    "model.encoder_hidden": {"same": "model.hidden"},
    "model.dropout": {"uniform": [0, 0.6], "step": 0.1},
    "training.schedule": {"choice": ["constant", "plateau"]},
    "training.plateau_patience": {"int": [5, 40], "when": {"training.schedule": "plateau"}},
}
PARAMS = (
    {"model.hidden": 100, "model.dropout": 0.1, "training.schedule": "constant"},
    {"model.hidden": 32, "model.dropout": 0.3, "training.schedule": "plateau", "training.plateau_patience": 20},
    {"model.hidden": 64, "model.dropout": 0.0, "training.schedule": "constant"},
)
DONE = {"best_epoch": 7, "epochs": 9, "parameters": 1234, "seconds": 1.5, "stopped_at": None}
DONE |= {"device": "cpu", "host": "here", "commit": "abc", "code": "def", "raysp": "1", "python": "3", "torch": "2"}


def definition(space=SPACE, start=(), **changes):
    """Return a definition of a search over the autoencoder's settings."""
    base = flat(settings.plain(catalog.config("sae", {})), Training())
    written = {"model": "sae", "space": space, "start": list(start)}
    return Definition("standin-x-20ms-val", "f" * 64, base, parse_space(written, "here"), **changes)


def study(folder, candidates=3, **changes):
    """Write a study with some candidates and return it."""
    made = Study(RunFolder(str(folder / "swept")), definition(**changes))
    made.write()
    for number, params in enumerate(PARAMS[:candidates]):
        made.add(Candidate(number, "defaults" if number == 0 else "tpe", params))
    return made


def trial_folder(made, number, seed=0):
    """Return the folder of a candidate's trial."""
    return made.run.trial(made.trial(made.candidates()[number], seed).id)


def end(made, number, seed=0, stopped_at=None, **values):
    """Write a trial's done.json with these numbers of its validation trials."""
    numbers = {name.replace("_bps", "-bps"): value for name, value in values.items()}
    done = DONE | {"validation": numbers, "stopped_at": stopped_at}
    files.write_json(trial_folder(made, number, seed).done, done)


def fail(made, number, seed=0):
    """Write a trial's error.txt."""
    files.write_text(trial_folder(made, number, seed).error, "Traceback\n  somewhere\nValueError: no luck\n")


def finish(made, **finished):
    """Write finished.json."""
    files.write_json(files.join(made.path, "finished.json"), finished)
