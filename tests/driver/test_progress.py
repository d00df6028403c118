import io

from rich.console import Console

from raysp.driver.progress import Progress


def state(name, **note):
    return {"state": name, "worker": None, "crashes": 0, "note": note, "error": ""}


def test_plain_output_tells_what_ended_and_how_much_is_left():
    out = io.StringIO()
    with Progress("run", total=5, before=1, console=Console(file=out, width=200)) as progress:
        progress.update(
            [
                {
                    "kind": "done",
                    "trial": "sae_x_s0_abc",
                    "note": {"seconds": 2.0, "validation_loss": 0.5, "unseen_loss": 0.25, "best_epoch": 3},
                },
                {"kind": "failed", "trial": "sae_y_s0_def", "note": {"error": "Traceback\nValueError: boom"}},
                {"kind": "unfit", "trial": "", "note": {"machine": "10.0.0.9", "reason": "it does not see the data"}},
                {"kind": "crash", "trial": "sae_z_s0_ghi", "note": {"crashes": 1, "reason": "signal 9"}},
            ],
            {
                "sae_x_s0_abc": state("done"),
                "sae_y_s0_def": state("failed"),
                "sae_z_s0_ghi": state("running", epoch=5, epochs=10, train_loss=0.25),
                "sae_w_s0_jkl": state("waiting"),
            },
        )
    text = out.getvalue()
    assert "done    sae_x_s0  2.0 s, validation loss 0.5 at epoch 3, unseen loss 0.25" in text
    assert "FAILED  sae_y_s0  ValueError: boom" in text
    assert "machine 10.0.0.9 takes no trials: it does not see the data" in text
    assert "crashed sae_z_s0  worker died (crash 1): signal 9" in text
    assert "run: 2 of 5 trials done, 1 running, 1 FAILED" in text


def test_a_terminal_shows_running_trials_with_their_losses():
    out = io.StringIO()
    console = Console(file=out, width=120, force_terminal=True)
    with Progress("run", total=1, console=console) as progress:
        note = {"epoch": 5, "epochs": 10, "train_loss": 0.25, "validation_loss": 0.5, "unseen_loss": 0.125}
        progress.update([], {"sae_x_s0_abc": state("running", **note)})
        progress._live.refresh()
    assert "epoch 5/10  train 0.25  validation 0.5  unseen 0.125" in out.getvalue()
