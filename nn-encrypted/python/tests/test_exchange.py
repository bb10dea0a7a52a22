"""Models that go to other programs, and those that come from them, beside onnxruntime."""

import csv
import json
import os
import pathlib
import subprocess

import numpy as np
import pytest

from nn_encrypted import EncryptedClassifier

onnxruntime = pytest.importorskip(
    "onnxruntime", reason="onnxruntime is MISSING: no export and no import is compared with it"
)

#: Minutes on ciphertexts, if it is set.
LONG = "NN_ENCRYPTED_LONG" in os.environ


def digits():
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


def flowers():
    from sklearn.datasets import load_iris

    return load_iris(return_X_y=True)


def trained(folder, recipe, data, *more):
    """The rows of the test part of a training on the command line with their classes, and its export as ONNX."""
    program = os.environ.get("NN_ENCRYPTED")
    if program is None:
        pytest.skip("NN_ENCRYPTED names the program of the command line: exports are NOT compared with onnxruntime")

    def run(*arguments):
        subprocess.run([program, *arguments], cwd=folder, check=True, capture_output=True)

    run("train", recipe, "--data", data, "--out", "run", *more)
    run("export", "run", "--format", "onnx", "--out", "shown.onnx", *(["--accept-distance", "1"] if recipe == "ckks_sgd" else []))
    run("predict", "--run", "run", "--out", "predictions.csv")
    with open(folder / "predictions.csv") as file:
        rows = list(csv.DictReader(file))
    return [int(row["row"]) - 1 for row in rows], [row["predicted"] for row in rows]


def classes(folder, X):
    session = onnxruntime.InferenceSession(folder / "shown.onnx")
    said = session.get_modelmeta().custom_metadata_map
    names = json.loads(said["classes"])
    assert len(json.loads(said["columns"])) == X.shape[1]
    (found,) = session.run(["class"], {"features": X.astype(np.float32)})
    return [names[place] for place in found]


def test_an_encrypted_training_in_integers_has_the_same_classes_in_onnxruntime(tmp_path):
    rows, predicted = trained(tmp_path, "hesamifard2017", "iris", "--steps", "30")
    assert classes(tmp_path, flowers()[0][rows]) == predicted


def test_digits_have_the_same_classes_in_onnxruntime(tmp_path):
    rows, predicted = trained(tmp_path, "hesamifard2017", "digits", "--epochs", "2", "--mode", "simulate")
    assert len(rows) == 360 and classes(tmp_path, digits()[0][rows]) == predicted


@pytest.mark.parametrize("mode", ["simulate", "encrypted"])
def test_real_numbers_have_nearly_the_same_classes_in_onnxruntime(tmp_path, mode):
    if mode == "encrypted" and not LONG:
        pytest.skip("NN_ENCRYPTED_LONG is not set: three steps of ckks_sgd on ciphertexts take minutes and 8 GB")
    steps = ["--steps", "3"] if mode == "encrypted" else ["--epochs", "5"]
    rows, predicted = trained(tmp_path, "ckks_sgd", "iris" if mode == "encrypted" else "digits", "--mode", mode, *steps)
    X = (flowers() if mode == "encrypted" else digits())[0]
    same = np.mean([a == b for a, b in zip(classes(tmp_path, X[rows]), predicted)])
    assert same >= 0.995, same


#: A model of skl2onnx: activation, recipe, degree, settings.
MODELS = [
    ("relu", "glyph2020", 3, ["numbers.input_bits=4"]),
    ("tanh", "nandakumar2019", 3, []),
    ("logistic", "ckks_sgd", 7, []),
    (None, "hesamifard2017", 3, []),
]


@pytest.mark.parametrize("activation, recipe, degree, settings", MODELS)
def test_models_of_scikit_learn_are_imported(tmp_path, activation, recipe, degree, settings):
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is MISSING: no model of scikit-learn is imported")
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    X, y = digits()
    test = np.arange(len(X)) % 5 == 0
    network = MLPClassifier((32,), activation=activation, alpha=1e-2, max_iter=120, random_state=1)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500) if activation is None else network)
    model.fit(X[~test], y[~test])
    path = tmp_path / "m.onnx"
    path.write_bytes(skl2onnx.to_onnx(model, X[:1].astype(np.float32), target_opset=17).SerializeToString())
    session = onnxruntime.InferenceSession(path)
    theirs = session.run(None, {session.get_inputs()[0].name: X[test].astype(np.float32)})[0]
    assert np.mean(theirs == y[test]) >= 0.95

    ours = EncryptedClassifier.from_onnx(path, X[~test][:300], recipe=recipe, degree=degree, settings=settings)
    same = np.mean(ours.predict(X[test]) == theirs)
    assert same >= 0.985 and abs(same - ours.import_["agreement"]) <= 0.015, (same, ours.import_["agreement"])
    assert [layer["layer"] for layer in ours.import_["layers"]][:2] == ["features", "1 linear1"]
    if activation is None or LONG:
        ours.mode = "encrypted"
        few = X[test] if LONG else X[test][:40]
        assert np.mean(ours.predict(few) == theirs[: len(few)]) >= 0.985
    # It is saved as any other model.
    ours.save(tmp_path / "m.safetensors")
    loaded = EncryptedClassifier.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(loaded.classes_, model.classes_)


def test_two_classes_and_what_cannot_be_imported(tmp_path):
    skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is MISSING: no model of scikit-learn is imported")
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(1)
    X = rng.normal(size=(300, 5)).astype(np.float32)
    y = np.where(X[:, 0] - X[:, 1] > 0.2, "yes", "no")
    path = tmp_path / "m.onnx"
    for estimator in (LogisticRegression(), MLPClassifier((8,), activation="tanh", max_iter=300, random_state=1)):
        model = estimator.fit(X, y)
        path.write_bytes(skl2onnx.to_onnx(model, X[:1], target_opset=17).SerializeToString())
        ours = EncryptedClassifier.from_onnx(path, X[:200], degree=5)
        assert ours.classes_.tolist() == ["no", "yes"]
        assert np.mean(ours.predict(X) == model.predict(X)) >= 0.98
    tree = DecisionTreeClassifier(max_depth=3).fit(X, y)
    path.write_bytes(skl2onnx.to_onnx(tree, X[:1], target_opset=17).SerializeToString())
    with pytest.raises(ValueError, match=r"\(TreeEnsembleClassifier\).*LogisticRegression"):
        EncryptedClassifier.from_onnx(path, X[:200])
    with pytest.raises(ValueError, match="no ONNX file"):
        pathlib.Path(path).write_bytes(b"nothing")
        EncryptedClassifier.from_onnx(path, X[:200])
