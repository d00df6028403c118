"""Spike distance against Poisson counts on a retina recording: every unit, every interval, every way to decode.

    python experiments/spike_distance.py --root data

needs the chicken recording of Doran et al. 2024 as data/chicken_2021_08_17.tar.gz. On a GPU that is the whole
comparison: all units, 80 epochs. On two cores see spike_distance_short.py. Another recording of the same layout, the
frog's for one, is another Recording below.
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

INTERVALS = (5, 10, 20, 40, 80, 160)
ARCHIVE = "{root}/chicken_2021_08_17.tar.gz"


def choices(distance="distance_unet", poisson="poisson_counts", input_bins=992, **settings) -> tuple[ModelChoice, ...]:
    """Return floor, networks and ceilings; all see as many bins, the other settings are those of both networks."""
    seen = {"input_bins": input_bins}
    networks, counting = seen | settings, [{"interval": k} for k in INTERVALS]
    return (
        ModelChoice("no_spikes", seen),
        ModelChoice(distance, networks),
        *(ModelChoice(poisson, one | networks, label=f"poisson_{one['interval']}") for one in counting),
        *(ModelChoice("perfect_counts", one | seen, label=f"perfect_counts_{one['interval']}") for one in counting),
        ModelChoice("perfect_distance", seen),
    )


def experiment() -> Experiment:
    return Experiment(
        name="spike_distance",
        recordings=(Recording("chicken", source="retina", settings={"path": ARCHIVE}),),
        models=choices(),
        units="all",
        units_per_trial=12,
        training=Training(
            epochs=80,
            batch_size=256,
            learning_rate=5e-4,
            weight_decay=0.3,
            schedule="one_cycle",
            clip_norm=0,
            measure_every=0,
        ),
        floor="no_spikes",
        ceiling="perfect_distance",
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
