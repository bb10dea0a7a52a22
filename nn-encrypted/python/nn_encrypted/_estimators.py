"""Estimators in the shape of scikit-learn, which they need not have."""

from __future__ import annotations

import json
import numbers
import os
import warnings
from typing import Any, Callable, Sequence

import numpy as np

from . import _native
from ._base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    check_classes,
    check_fitted,
    check_rows,
    check_targets,
    unnamed,
)
from ._progress import progress


#: The part of numbers that may be cut to the limit of the normalization without a warning: some are in every test part.
_CUT = 0.02


class _Encrypted(BaseEstimator):
    """What classifiers and regressors have in common."""

    def __init__(
        self,
        recipe: str = "hesamifard2017",
        hidden: Sequence[int] | None = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | str | None = None,
        settings: Sequence[str] = (),
        calibrate: bool = False,
        mode: str = "simulate",
        random_state: int | np.random.RandomState | None = None,
        server: str | None = None,
        token_file: str | os.PathLike[str] | None = None,
        pin: str | None = None,
        key_dir: str | os.PathLike[str] | None = None,
        resume: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
        callback: Callable[[dict[str, Any]], object] | None = None,
    ) -> None:
        self.recipe = recipe
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.settings = settings
        self.calibrate = calibrate
        self.mode = mode
        self.random_state = random_state
        self.server = server
        self.token_file = token_file
        self.pin = pin
        self.key_dir = key_dir
        self.resume = resume
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.callback = callback

    # The coding of the outputs of a network.
    _outputs: str | None = None

    def _task(self, rows: int) -> _native.Task:
        settings = [] if self._outputs is None else [f"data.outputs={self._outputs}"]
        settings += list(self.settings)
        for name, value in (
            ("epochs", self.epochs),
            ("batch_size", self.batch_size),
            ("learning_rate", self.learning_rate),
        ):
            if value is not None:
                text = f'"{value}"' if isinstance(value, str) else str(value)
                settings.append(f"optimizer.{name}={text}")
        seed = _seed(self.random_state)
        if seed is not None:
            settings.append(f"seed={seed}")
        hidden = None if self.hidden is None else [int(width) for width in self.hidden]
        return _native.Task(self.recipe, settings, hidden, rows)

    def _how(self) -> dict[str, Any]:
        if self.server is not None and self.mode != "encrypted":
            raise ValueError('server is for mode = "encrypted": nothing else is computed there')
        if self.resume and self.key_dir is None:
            raise ValueError("resume goes on with the training in key_dir, which is None")
        return {
            "mode": self.mode,
            "calibrate": bool(self.calibrate),
            "steps": None,
            "out": self.key_dir,
            "resume": bool(self.resume),
            "threads": _threads(self.n_jobs),
            "server": self._server(),
        }

    def _server(self) -> tuple[str, str | os.PathLike[str], str | None] | None:
        if self.server is None:
            return None
        if self.token_file is None:
            raise ValueError("server needs token_file, the file with the token of this client")
        return (self.server, self.token_file, self.pin)

    def _target(self, y: Any) -> Any:
        raise NotImplementedError

    def fit(self, X: Any, y: Any) -> Any:
        """Trains on all rows of X.

        Parameters
        ----------
        X : array of shape (rows, columns), or a data frame of numbers
        y : array of shape (rows,)

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If the data or a parameter cannot be used.
        Interrupted, KeyboardInterrupt
            If the training was stopped; with `key_dir` an encrypted one goes on with `resume=True`.
        """
        x, names = check_rows(self, X, reset=True)
        target = self._target(check_targets(x, y))
        task = self._task(len(x))
        with progress(self.callback, self.verbose) as tell:
            self._trained = task.fit(names, x, target, self._how(), tell)
        self._fitted()
        return self

    def _fitted(self) -> None:
        report = self._trained.report()
        self.report_ = None if report is None else json.loads(report)
        self.n_iter_ = 0 if self.report_ is None else int(self.report_["steps"])

    def estimate(self, X: Any, y: Any) -> dict[str, Any]:
        """What an encrypted training on these rows takes on this machine: seconds, bytes of memory, disk and network.

        Nothing is trained, and the estimator stays as it is.
        """
        x, names = check_rows(self, X, reset=None)
        estimator = type(self)(**self.get_params(deep=False))
        target = estimator._target(check_targets(x, y))
        estimate: dict[str, Any] = json.loads(self._task(len(x)).estimate(names, x, target, self._how()))
        return estimate

    def _outputs_of(self, X: Any) -> np.ndarray:
        check_fitted(self)
        x, names = check_rows(self, X, reset=False)
        if self.mode == "encrypted":
            outputs, equal, cut, notes = self._trained.encrypted_outputs(
                names, x, _threads(self.n_jobs), self._server()
            )
            if not equal:
                raise _native.NnEncryptedError("encrypted predictions are not the twin's")
        else:
            outputs, cut, notes = self._trained.outputs(names, x)
        if notes and cut > _CUT * x.size:
            warnings.warn("; ".join(notes), UserWarning, stacklevel=3)
        return outputs

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the trained model with its columns and their normalization as safetensors, for its owner alone.

        The model is as it was decrypted: of recipes in CKKS it gives the secret key away to whoever has the server's ciphertexts.
        """
        check_fitted(self)
        self._trained.save(path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], **parameters: Any) -> Any:
        """An estimator with the model that `save`, or a training on the command line, wrote.

        Names of classes that are all numbers are numbers again.
        """
        estimator = cls(**parameters)
        estimator._trained = _native.Trained.open(path)
        columns = estimator._trained.columns
        estimator.n_features_in_ = len(columns)
        if columns != unnamed(len(columns)):
            estimator.feature_names_in_ = np.array(columns, dtype=object)
        estimator._loaded()
        estimator._fitted()
        return estimator

    def _loaded(self) -> None:
        pass


class EncryptedClassifier(ClassifierMixin, _Encrypted):
    """A neural network that classifies, trained on encrypted data.

    Parameters
    ----------
    recipe : name of a recipe (`nn_encrypted.builtin_recipes()`), or path of a TOML file
    hidden : widths of hidden layers; those of the recipe without it
    epochs, batch_size, learning_rate : those of the recipe without them; a rate may be a fraction such as "1/8"
    settings : further fields of the recipe, such as "optimizer.momentum=3/4"
    calibrate : finds the bounds of numbers from the data, by the same training in the clear
    mode : "clear" trains in floating point, "simulate" with the numbers of an encrypted training and without encryption,
        "encrypted" on ciphertexts; predictions are made in the same way
    random_state : decides mini-batches and initial weights; keys and encryption never depend on it
    server, token_file, pin : a server elsewhere, which `nn-encrypted serve` runs, the file with the token for it, and
        its fingerprint; in this process without them
    key_dir : folder of the run, with the secret keys and checkpoints of an encrypted training; they are in memory alone
        without it
    resume : goes on with the training in key_dir
    n_jobs : threads; all cores without it
    verbose : shows progress if it is not 0
    callback : is called with a dictionary of step, steps, epoch, score and seconds_left after each step and each epoch

    Attributes
    ----------
    classes_ : the classes
    n_features_in_ : columns
    report_ : the report of the training; None of a model that was loaded
    import_ : of a model that was trained elsewhere, how far it is from floating point
    """

    import_: dict[str, Any]

    def _task(self, rows: int) -> _native.Task:
        task = super()._task(rows)
        if task.is_regression():
            raise ValueError("the recipe predicts measured values: EncryptedRegressor is for these")
        return task

    def _target(self, y: np.ndarray) -> tuple[list[str], list[int]]:
        check_classes(y)
        self.classes_, places = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has {len(self.classes_)} class; two classes or more are needed")
        return [str(name) for name in self.classes_], places.tolist()

    def _loaded(self) -> None:
        self.classes_ = _numbers(self._trained.class_names)

    @classmethod
    def from_onnx(
        cls,
        path: str | os.PathLike[str],
        X_calibration: Any,
        *,
        recipe: str = "hesamifard2017",
        degree: int = 3,
        settings: Sequence[str] = (),
        **parameters: Any,
    ) -> EncryptedClassifier:
        """A classifier that was trained elsewhere, from an ONNX file, or a safetensors file with a recipe for its layers.

        Parameters
        ----------
        path : the file
        X_calibration : rows as the model takes them, a hundred or more, without labels: bounds are the ranges of what the model makes
            of them, widened by a quarter
        recipe : its schemes and numbers are used, and of safetensors its layers
        degree : of the polynomials in place of activations that are none, 1 to 7, where no table holds them
        settings : further fields of the recipe, such as "numbers.product_weight_bits=8"
        parameters : further ones of the classifier, such as mode = "encrypted"

        Returns
        -------
        The classifier; its `import_` says of each layer range, bits and the difference from floating point on these rows, of all
        together the part of the classes that agree, and below 99 % what to change.

        Raises
        ------
        ValueError
            If the file is damaged or has an operator that has no place in a network on encrypted data: the message names the node and
            what would fit instead.
        """
        estimator = cls(recipe, settings=settings, **parameters)
        x, names = check_rows(estimator, X_calibration, reset=True)
        wishes = (recipe, list(settings), int(degree))
        estimator._trained, summary = _native.Trained.import_file(path, names, x, wishes)
        estimator.import_ = json.loads(summary)
        estimator._loaded()
        estimator._fitted()
        return estimator

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row."""
        places = self._places(self._outputs_of(X))
        classes: np.ndarray = self.classes_[places]
        return classes

    def _places(self, outputs: np.ndarray) -> np.ndarray:
        places = self._trained.classes(outputs)
        if places is None:
            raise ValueError("the model predicts measured values: EncryptedRegressor is for these")
        return places

    def predict_proba(self, X: Any) -> np.ndarray:
        """A score of each class for each row, in the order of classes_: they add up to 1 and are not calibrated."""
        outputs = self._outputs_of(X)
        return self._trained.class_scores(outputs)


class EncryptedRegressor(RegressorMixin, _Encrypted):
    """A neural network that predicts a measured value, trained on encrypted data.

    Parameters are those of EncryptedClassifier; recipes are those in CKKS, or in BGV with a client.
    """

    _outputs = "measured"

    def _target(self, y: np.ndarray) -> list[float]:
        values: list[float] = np.asarray(y, dtype=np.float64).tolist()
        return values

    def predict(self, X: Any) -> np.ndarray:
        """The value of each row."""
        outputs = self._outputs_of(X)
        values = self._trained.values(outputs)
        if values is None:
            raise ValueError("the model tells classes: EncryptedClassifier is for these")
        return values


def _seed(random_state: Any) -> int | None:
    if random_state is None:
        return None
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(2**31 - 1))
    if isinstance(random_state, numbers.Integral) and int(random_state) >= 0:
        return int(random_state)
    raise ValueError(f"random_state = {random_state!r}; None, a number from 0, or a RandomState is needed")


def _threads(n_jobs: int | None) -> int | None:
    if n_jobs is None or n_jobs == -1:
        return None
    if isinstance(n_jobs, numbers.Integral) and int(n_jobs) >= 1:
        return int(n_jobs)
    raise ValueError(f"n_jobs = {n_jobs!r}; None, -1 or a number of threads from 1 is needed")


def _numbers(names: list[str]) -> np.ndarray:
    for kind in (int, float):
        try:
            return np.array([kind(name) for name in names])
        except ValueError:
            pass
    return np.array(names)
