from raysp.config.experiment import Experiment, ModelChoice, Recording, Resources, Training


def experiment() -> Experiment:
    return Experiment(
        name="mine",
        recordings=(Recording("counts", "sources/poisson.py", {"trials": 40}),),
        models=(ModelChoice("mean_rate"), ModelChoice("models/lstm.py", {"hidden": 8})),
        training=Training(epochs=5, learning_rate=5e-3, weight_decay=0.0),
        resources=Resources(workers=1),
    )
