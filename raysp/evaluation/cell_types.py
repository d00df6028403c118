"""What cells' parameters say of their types: decoding, importance of features, clusters, and differences of two groups.

Features are (cells, features) arrays, labels (cells,) texts. All that is drawn follows from a seed.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Decoder = Literal["linear", "mlp"]
TEST_SHARE = 0.35
HIDDEN, EPOCHS, LEARNING_RATE = 10, 500, 5e-3


@dataclass(frozen=True)
class Decoding:
    """How well labels are decoded from features of cells that were not trained on.

    Attributes:
        f1: (repeats,) weighted F1.
        accuracy: (repeats,).
        importance: (repeats, features) norms of the weights of each feature over their sum; zeros of no linear decoder.
    """

    f1: np.ndarray
    accuracy: np.ndarray
    importance: np.ndarray


@dataclass(frozen=True)
class Clusters:
    """Ward clusters of cells against their labels.

    Attributes:
        ari: adjusted Rand index.
        v_measure: V-measure.
        labels: names of the labels.
        counts: (clusters, labels) cells.
        merges: (cells - 1, 4) which two became one, at what distance, and of how many cells, as scipy's linkages are.
    """

    ari: float
    v_measure: float
    labels: tuple[str, ...]
    counts: np.ndarray
    merges: np.ndarray


def decode(
    features: np.ndarray, labels: np.ndarray, decoder: Decoder = "linear", *, repeats: int = 30, seed: int = 0
) -> Decoding:
    """Decode labels, each weighted by one over its number of cells, from stratified parts of the cells.

    Args:
        features: (cells, features).
        labels: (cells,), each of two cells or more.
        decoder: a softmax of the scaled features, or of 10 hidden units, trained by 500 steps of Adam on all cells.
        repeats: random divisions, 35 % of the cells to test on.
        seed: of the divisions and the decoder.
    """
    from sklearn.metrics import accuracy_score, f1_score
    from sklearn.model_selection import StratifiedShuffleSplit

    # Texts would be sorted anew by each of a hundred calls.
    labels = np.unique(labels, return_inverse=True)[1]
    parts = StratifiedShuffleSplit(repeats, test_size=TEST_SHARE, random_state=seed)
    f1, accuracy, importance = [], [], np.zeros((repeats, features.shape[1]))
    for repeat, (train, test) in enumerate(parts.split(features, labels)):
        fitted = _fitted(features[train], labels[train], decoder, seed + repeat)
        found = fitted.predict(features[test])
        f1.append(f1_score(labels[test], found, average="weighted"))
        accuracy.append(accuracy_score(labels[test], found))
        if decoder == "linear":
            importance[repeat] = _importance(fitted)
    return Decoding(np.array(f1), np.array(accuracy), importance)


def split_halves(
    features: np.ndarray, labels: np.ndarray, *, halves: int = 200, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Return how alike the importances of two halves of the cells are: (halves,) Pearson and Spearman correlations.

    Args:
        features: (cells, features).
        labels: (cells,), each of four cells or more.
        halves: random stratified divisions in two.
        seed: of the divisions.
    """
    from sklearn.model_selection import StratifiedShuffleSplit

    labels = np.unique(labels, return_inverse=True)[1]
    parts = StratifiedShuffleSplit(halves, test_size=0.5, random_state=seed)
    pearson, spearman = [], []
    for one, other in parts.split(features, labels):
        found = [_importance(_fitted(features[half], labels[half], "linear", seed)) for half in (one, other)]
        pearson.append(stats.pearsonr(*found).statistic)
        spearman.append(stats.spearmanr(*found).statistic)
    return np.array(pearson), np.array(spearman)


def clusters(features: np.ndarray, labels: np.ndarray) -> Clusters:
    """Cluster cells by Ward's method, as many clusters as labels, by scaled features."""
    from scipy.cluster import hierarchy
    from sklearn.metrics import adjusted_rand_score, v_measure_score
    from sklearn.metrics.cluster import contingency_matrix
    from sklearn.preprocessing import StandardScaler

    names = tuple(np.unique(labels).tolist())
    merges = hierarchy.ward(StandardScaler().fit_transform(features))
    found = hierarchy.cut_tree(merges, len(names))[:, 0]
    ari, v_measure = adjusted_rand_score(labels, found), v_measure_score(labels, found)
    return Clusters(float(ari), float(v_measure), names, contingency_matrix(found, labels), merges)


def ranks(one: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """Return what share of pairs has the larger value in the one group, ties by half, and Mann-Whitney's two-sided p.

    Args:
        one: (cells,) values of a group.
        other: likewise.
    """
    found = stats.mannwhitneyu(one, other, alternative="two-sided")
    return float(found.statistic / (len(one) * len(other))), float(found.pvalue)


def separable(
    features: np.ndarray, labels: np.ndarray, decoder: Literal["logistic", "forest"], *, folds: int = 5, seed: int = 0
) -> np.ndarray:
    """Return (folds,) areas under the ROC curve of telling two groups apart, the classes balanced.

    Args:
        features: (cells, features).
        labels: (cells,) of two groups, each of as many cells as folds or more.
        decoder: logistic regression, or a random forest.
        folds: of cross-validation.
        seed: of folds and forest.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedKFold, cross_val_score

    chosen = (
        _linear(seed) if decoder == "logistic" else RandomForestClassifier(class_weight="balanced", random_state=seed)
    )
    parts = StratifiedKFold(folds, shuffle=True, random_state=seed)
    return cross_val_score(chosen, features, labels == np.unique(labels)[1], cv=parts, scoring="roc_auc")


def transfer(features: np.ndarray, labels: np.ndarray, train: np.ndarray, test: np.ndarray, seed: int = 0) -> float:
    """Return the area under the ROC curve of two groups of some cells, told apart by a forest of others.

    Args:
        features: (cells, features).
        labels: (cells,) of two groups.
        train: (cells,) bool.
        test: (cells,) bool.
        seed: of the forest.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.metrics import roc_auc_score

    second = labels == np.unique(labels)[1]
    forest = RandomForestClassifier(class_weight="balanced", random_state=seed).fit(features[train], second[train])
    return float(roc_auc_score(second[test], forest.predict_proba(features[test])[:, 1]))


def _linear(seed: int) -> Pipeline:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=2000, random_state=seed)
    )


def _fitted(features: np.ndarray, labels: np.ndarray, decoder: Decoder, seed: int) -> Pipeline:
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.class_weight import compute_sample_weight

    if decoder == "linear":
        return _linear(seed).fit(features, labels)
    network = MLPClassifier(
        (HIDDEN,), batch_size=len(labels), learning_rate_init=LEARNING_RATE, max_iter=EPOCHS, tol=0,
        n_iter_no_change=EPOCHS, shuffle=False, random_state=seed,
    )  # fmt: skip
    with warnings.catch_warnings():
        # It says so when 500 epochs were not enough, which is what was asked for.
        warnings.simplefilter("ignore")
        weights = compute_sample_weight("balanced", labels)
        return make_pipeline(StandardScaler(), network).fit(features, labels, mlpclassifier__sample_weight=weights)


def _importance(fitted: Pipeline) -> np.ndarray:
    norms = np.linalg.norm(fitted[-1].coef_, axis=0)
    return norms / norms.sum()
