"""One layer trained on encrypted rows with a client: the tasks of FHE-TrainNet, on as many rows and features.

    python one_layer.py

Which rows and features, how many epochs and what test part were taken there is not published. Here rows and features are drawn by
the seed below, thirty percent test, and the epochs are those of the recipe.
"""

import time

import numpy as np
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.model_selection import train_test_split

from nn_encrypted import EncryptedClassifier

SEED = 1

#: Data set, rows, features, and seconds as published.
TASKS = [(load_iris, 100, 4, 34), (load_breast_cancer, 120, 8, 40)]


def drawn(load, rows, features):
    """Rows of the first two classes, and features, by the seed."""
    X, y = load(return_X_y=True)
    X, y = X[y < 2], y[y < 2]
    rng = np.random.default_rng(SEED)
    columns = rng.permutation(X.shape[1])[:features]
    chosen = rng.permutation(len(X))[:rows]
    return X[chosen][:, columns], y[chosen]


def main():
    print("| data | rows, features | published | here, with keys and encrypted predictions | CPU time | accuracy | floating point | security | twin equal |")
    print("|---|---|---|---|---|---|---|---|---|")
    for load, rows, features, published in TASKS:
        X, y = drawn(load, rows, features)
        X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=SEED, stratify=y)
        begun, cpu = time.perf_counter(), time.process_time()
        model = EncryptedClassifier(hidden=(), mode="encrypted", random_state=SEED).fit(X, y)
        score = model.score(X_test, y_test)
        seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
        clear = EncryptedClassifier(hidden=(), mode="clear", random_state=SEED).fit(X, y).score(X_test, y_test)
        schemes = model.report_["schemes"]
        bits = min(scheme["security_bits"] for scheme in schemes)
        name = load.__name__.removeprefix("load_").replace("_", " ")
        print(
            f"| {name} | {rows}, {features} | {published} s | {seconds:.1f} s, {model.n_iter_} steps | {cpu:.1f} s | {100 * score:.1f} % "
            f"| {100 * clear:.1f} % | {bits} bits | {model.report_['twin']['equal']} |"
        )


if __name__ == "__main__":
    main()
