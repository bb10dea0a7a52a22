"""Classifiers and regressors in scikit-learn's shape."""

import pickle
import threading

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from nn_encrypted import EncryptedClassifier, EncryptedRegressor, Interrupted

#: Fewer passes than the recipe has, for time's sake.
FAST = {"epochs": 20, "random_state": 1}

#: Checks of scikit-learn that fail, and why that is right.
EXPECTED: dict[str, str] = {}


@parametrize_with_checks(
    [EncryptedClassifier(mode="simulate")], expected_failed_checks=lambda estimator: EXPECTED
)
def test_checks_of_scikit_learn(estimator, check):
    assert len(EXPECTED) <= 2
    check(estimator)


def test_modes_agree(flowers):
    X, y = flowers
    trained = {mode: EncryptedClassifier(mode=mode, **FAST).fit(X, y) for mode in ("clear", "simulate", "encrypted")}
    scores = {mode: model.score(X, y) for mode, model in trained.items()}
    assert min(scores.values()) > 0.9, scores
    exact, real = trained["simulate"], trained["encrypted"]
    for (a, b), (c, d) in zip(exact._trained.layers, real._trained.layers):
        assert (a == c).all() and (b == d).all()
    np.testing.assert_array_equal(exact.predict_proba(X), real.predict_proba(X))
    np.testing.assert_allclose(real.predict_proba(X).sum(axis=1), 1.0)
    assert real.report_["twin"]["equal"] and real.classes_.tolist() == ["short", "tall"]


def test_a_row_alone_is_classified_as_among_others(flowers):
    X, y = flowers
    model = EncryptedClassifier(**FAST).fit(X, y)
    together = model.predict_proba(X)
    np.testing.assert_array_equal(together, np.vstack([model.predict_proba(row[None]) for row in X]))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_are_read_by_the_names_of_their_columns(flowers, frame):
    X, y = flowers
    names = ["pressure", "age", "iron"]
    table = frame({name: column for name, column in zip(names, X.T)})
    model = EncryptedClassifier(**FAST).fit(table, y)
    assert list(model.feature_names_in_) == names
    np.testing.assert_array_equal(model.predict(table), EncryptedClassifier(**FAST).fit(X, y).predict(X))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[["age", "pressure", "iron"]])


def test_models_are_saved_and_pickled_without_keys(flowers, tmp_path):
    X, y = flowers
    model = EncryptedClassifier(mode="encrypted", key_dir=tmp_path / "run", **FAST).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    loaded = EncryptedClassifier.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
    pickled = pickle.dumps(model)
    np.testing.assert_array_equal(pickle.loads(pickled).predict(X), model.predict(X))
    secrets = list((tmp_path / "run" / "client").glob("*secret*"))
    assert secrets
    for file in secrets:
        secret = file.read_bytes()
        pieces = [secret[start : start + 32] for start in range(0, len(secret) - 32, 32)]
        assert len(pieces) > 20 and not any(piece in pickled for piece in pieces if len(set(piece)) > 4)
    with pytest.raises(ValueError, match="already|finished|run"):
        EncryptedClassifier(mode="encrypted", key_dir=tmp_path / "run", **FAST).fit(X, y)


def test_selection(flowers):
    X, y = flowers
    pipeline = make_pipeline(StandardScaler(), EncryptedClassifier(**FAST))
    assert cross_val_score(pipeline, X, y, cv=3).mean() > 0.85
    search = GridSearchCV(EncryptedClassifier(**FAST), {"hidden": [(4,), (8, 4)]}, cv=2).fit(X, y)
    assert search.best_score_ > 0.8
    model = clone(search.best_estimator_)
    assert model.get_params() == search.best_estimator_.get_params() and not hasattr(model, "classes_")


def test_a_callback_sees_and_stops_a_training(flowers):
    X, y = flowers
    events = []
    EncryptedClassifier(callback=events.append, **FAST).fit(X, y)
    assert [event["epoch"] for event in events if event["epoch"]] == list(range(1, 21))
    assert events[-1]["step"] == events[-1]["steps"] and events[-1]["seconds_left"] == 0.0

    class Enough(Exception):
        pass

    def stop(event):
        if event["step"] == 5:
            raise Enough

    with pytest.raises(Enough):
        EncryptedClassifier(callback=stop, **FAST).fit(X, y)


def test_a_stopped_training_goes_on(flowers, tmp_path):
    X, y = flowers
    parameters = {"mode": "encrypted", "key_dir": tmp_path / "run", **FAST}

    def stop(event):
        if event["step"] == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        EncryptedClassifier(callback=stop, **parameters).fit(X, y)
    with pytest.raises(ValueError):
        EncryptedClassifier(**parameters).fit(X, y)
    resumed = EncryptedClassifier(resume=True, **parameters).fit(X, y)
    whole = EncryptedClassifier(**FAST).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), whole.predict_proba(X))
    assert resumed.n_iter_ == whole.n_iter_
    with pytest.raises(ValueError, match="other rows"):
        EncryptedClassifier(resume=True, **parameters).fit(X[::-1], y[::-1])
    again = EncryptedClassifier(resume=True, **parameters).fit(X, y)
    np.testing.assert_array_equal(resumed.predict_proba(X), again.predict_proba(X))


def test_threads_share_a_model(flowers):
    X, y = flowers
    model = EncryptedClassifier(**FAST).fit(X, y)
    expected, found = model.predict_proba(X), [None] * 20

    def work(place):
        for _ in range(10):
            found[place] = model.predict_proba(X)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((scores == expected).all() for scores in found)


def test_memory_is_given_back(flowers):
    import resource

    X, y = flowers
    fit = lambda: EncryptedClassifier(epochs=1).fit(X, y)  # noqa: E731
    for _ in range(20):
        fit()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(100):
        fit()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 10_000


def test_estimates(flowers):
    X, y = flowers
    estimate = EncryptedClassifier(**FAST).estimate(X, y)
    assert estimate["steps"] == 140 and estimate["seconds"]["all"] > 0 and estimate["traffic"]


def test_measured_values():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(150, 4))
    y = 20 + 3 * X[:, 0] - 2 * X[:, 1] + 0.2 * rng.normal(size=150)
    model = EncryptedRegressor(epochs=40, random_state=1).fit(X, y)
    assert model.score(X, y) > 0.85
    with pytest.raises(ValueError, match="EncryptedRegressor"):
        EncryptedClassifier(settings=["data.outputs=measured"]).fit(X, y > 20)


@pytest.mark.parametrize(
    "parameters, words",
    [
        ({"mode": "plain"}, "mode"),
        ({"recipe": "no-such"}, "no-such"),
        ({"hidden": (0,)}, "out_features"),
        ({"settings": ["optimizer.nosuch=1"]}, "nosuch"),
        ({"random_state": -1}, "random_state"),
        ({"n_jobs": 0}, "n_jobs"),
        ({"resume": True}, "key_dir"),
        ({"server": "https://localhost:1"}, "server"),
        ({"server": "https://localhost:1", "mode": "encrypted"}, "token_file"),
    ],
)
def test_what_is_wrong_is_named(flowers, parameters, words):
    with pytest.raises(ValueError, match=words):
        EncryptedClassifier(**parameters).fit(*flowers)


def test_interrupted_is_an_error_of_the_package():
    assert issubclass(Interrupted, Exception)
