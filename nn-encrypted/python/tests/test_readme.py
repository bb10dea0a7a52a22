"""What the README shows."""

import contextlib
import io
import os
import pathlib
import re
import subprocess
import time

import numpy as np
import pandas as pd
import pytest

from nn_encrypted import EncryptedClassifier

HERE = pathlib.Path(__file__).parent.parent
BLOCKS = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)


def printed(block: str) -> str:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.chdir(HERE / "examples")
        exec(block, {})
    return out.getvalue()


def test_ten_lines_train_on_encrypted_rows():
    begun = time.process_time()
    assert float(printed(BLOCKS[0])) >= 0.93
    assert time.process_time() - begun < 120, "a minute of two cores"


def test_the_schemes_by_hand():
    found = np.fromstring(printed(BLOCKS[1]).strip("[]\n"), sep=" ")
    np.testing.assert_allclose(found, [0.0625, 1.0], atol=1e-4)


def test_the_command_line_comes_to_the_same_bits(tmp_path):
    program = os.environ.get("NN_ENCRYPTED")
    if program is None:
        pytest.skip("NN_ENCRYPTED names the program of the command line")
    table = pd.read_csv(HERE / "examples" / "breast-cancer.csv")
    table[:455].to_csv(tmp_path / "train.csv", index=False)
    table[455:].to_csv(tmp_path / "test.csv", index=False)
    arguments = ["train", "hesamifard2017", "--data", "train.csv", "--test", "test.csv", "--label", "diagnosis"]
    arguments += ["--seed", "1", "--epochs", "10", "--mode", "simulate", "--out", "run"]
    subprocess.run([program, *arguments], cwd=tmp_path, check=True, capture_output=True)
    theirs = EncryptedClassifier.load(tmp_path / "run" / "client" / "model.private.safetensors")
    X, y = table.drop(columns="diagnosis"), table["diagnosis"]
    ours = EncryptedClassifier(epochs=10, random_state=1).fit(X[:455], y[:455])
    for (a, b), (c, d) in zip(ours._trained.layers, theirs._trained.layers):
        assert (a == c).all() and (b == d).all()
    np.testing.assert_array_equal(ours.predict(X[455:]), theirs.predict(X[455:]))
