"""Trains classifiers of the digits in floating point and writes them as ONNX, with the class that onnxruntime gives each digit.

    pip install scikit-learn skl2onnx onnxruntime
    python digits_onnx.py FOLDER

Every fifth digit is tested on. `square.onnx` has the nodes that PyTorch exports for `Linear`, a square and `Linear`, trained here by
numpy alone; the others are what skl2onnx writes.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def square_network(X: np.ndarray, y: np.ndarray, width: int = 32) -> onnx.ModelProto:
    """Linear, square, Linear on pixels / 16, by Adam on the cross-entropy."""
    rng = np.random.default_rng(1)
    A, hot = X / 16, np.eye(10)[y]
    p = [rng.normal(size=(64, width)) / 8, np.zeros(width), rng.normal(size=(width, 10)) / width**0.5, np.zeros(10)]
    m, v = [np.zeros_like(q) for q in p], [np.zeros_like(q) for q in p]
    for step in range(1, 1501):
        rows = rng.choice(len(A), 128)
        a = A[rows]
        z = a @ p[0] + p[1]
        h = z * z
        out = h @ p[2] + p[3]
        share = np.exp(out - out.max(1, keepdims=True))
        error = (share / share.sum(1, keepdims=True) - hot[rows]) / len(rows)
        back = (error @ p[2].T) * 2 * z
        for i, g in enumerate([a.T @ back, back.sum(0), h.T @ error, error.sum(0)]):
            g = g + 1e-4 * p[i]
            m[i] = 0.9 * m[i] + 0.1 * g
            v[i] = 0.999 * v[i] + 0.001 * g * g
            p[i] = p[i] - 3e-3 * (m[i] / (1 - 0.9**step)) / (np.sqrt(v[i] / (1 - 0.999**step)) + 1e-8)
    arrays = {"0.weight": p[0].T, "0.bias": p[1], "2.weight": p[2].T, "2.bias": p[3], "white": np.array(16.0)}
    constants = [numpy_helper.from_array(np.ascontiguousarray(a, dtype=np.float32), name) for name, a in arrays.items()]
    nodes = [
        helper.make_node("Div", ["pixels", "white"], ["x"], "/Div"),
        helper.make_node("Gemm", ["x", "0.weight", "0.bias"], ["z"], "/0/Gemm", transB=1),
        helper.make_node("Mul", ["z", "z"], ["h"], "/1/Mul"),
        helper.make_node("Gemm", ["h", "2.weight", "2.bias"], ["logits"], "/2/Gemm", transB=1),
    ]
    inputs = [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 64])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])]
    graph = helper.make_graph(nodes, "square", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def classes(path: pathlib.Path, X: np.ndarray) -> np.ndarray:
    """What onnxruntime says."""
    session = onnxruntime.InferenceSession(path)
    first = session.run(None, {session.get_inputs()[0].name: X.astype(np.float32)})[0]
    return first.argmax(1) if first.ndim == 2 else first


def main(folder: pathlib.Path) -> None:
    X, y = load_digits(return_X_y=True)
    test = np.arange(len(X)) % 5 == 0
    estimators = {
        activation: MLPClassifier((32, 16), activation=activation, alpha=1e-2, max_iter=400, random_state=1)
        for activation in ("relu", "tanh", "logistic")
    }
    estimators["regression"] = LogisticRegression(max_iter=1000)
    models = {}
    for name, estimator in estimators.items():
        pipeline = make_pipeline(StandardScaler(), estimator).fit(X[~test], y[~test])
        models[name] = to_onnx(pipeline, X[:1].astype(np.float32), target_opset=17, options={"zipmap": False})
    models["square"] = square_network(X[~test], y[~test])
    folder.mkdir(parents=True, exist_ok=True)
    for name, model in models.items():
        path = folder / f"{name}.onnx"
        path.write_bytes(model.SerializeToString())
        found = classes(path, X)
        (folder / f"{name}.classes").write_text("".join(map(str, found)) + "\n")
        print(f"{name}: {100 * (found == y)[test].mean():.2f} % of {test.sum()} digits")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
