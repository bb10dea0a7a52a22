"""The base classes of scikit-learn where it is installed, and what they are for elsewhere."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import validate_data

    SKLEARN = True
except ImportError:
    SKLEARN = False

    class NotFittedError(ValueError, AttributeError):  # type: ignore[no-redef]
        """An estimator that is not trained yet."""

    class BaseEstimator:  # type: ignore[no-redef]
        """Parameters by name."""

        @classmethod
        def _names(cls) -> list[str]:
            return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]

        def get_params(self, deep: bool = True) -> dict[str, Any]:
            """The parameters."""
            return {name: getattr(self, name) for name in self._names()}

        def set_params(self, **parameters: Any) -> Any:
            """Sets parameters."""
            for name, value in parameters.items():
                if name not in self._names():
                    raise ValueError(f"no parameter {name!r}; there are {', '.join(self._names())}")
                setattr(self, name, value)
            return self

        def __repr__(self) -> str:
            defaults = inspect.signature(type(self).__init__).parameters
            changed = [
                f"{name}={value!r}"
                for name, value in self.get_params().items()
                if value is not defaults[name].default and value != defaults[name].default
            ]
            return f"{type(self).__name__}({', '.join(changed)})"

    class ClassifierMixin:  # type: ignore[no-redef]
        """The score of a classifier."""

        def score(self, X: Any, y: Any) -> float:
            """The part of the rows that are classified right."""
            return float(np.mean(self.predict(X) == np.asarray(y)))  # type: ignore[attr-defined]

    class RegressorMixin:  # type: ignore[no-redef]
        """The score of a regressor."""

        def score(self, X: Any, y: Any) -> float:
            """R², the part of the variance that is explained."""
            y = np.asarray(y, dtype=np.float64)
            residual = float(np.sum((y - self.predict(X)) ** 2))  # type: ignore[attr-defined]
            return 1.0 - residual / float(np.sum((y - y.mean()) ** 2))


__all__ = [
    "BaseEstimator",
    "ClassifierMixin",
    "RegressorMixin",
    "check_classes",
    "check_fitted",
    "check_rows",
    "check_targets",
    "unnamed",
]


def unnamed(count: int) -> list[str]:
    """The names of columns that have none."""
    return [f"x{place}" for place in range(count)]


def column_names(X: Any) -> list[str] | None:
    """The names of the columns of a data frame of pandas or polars; none of other rows."""
    columns = getattr(X, "columns", None)
    if columns is None:
        return None
    names = list(columns)
    return names if all(isinstance(name, str) for name in names) else None


def check_rows(estimator: Any, X: Any, *, reset: bool | None) -> tuple[np.ndarray, list[str]]:
    """Rows as numbers, and the names of their columns; `reset` has the estimator learn them, or compare, or neither."""
    names = column_names(X)
    if SKLEARN and reset is not None:
        x = validate_data(estimator, X, reset=reset, dtype=np.float64)
    else:
        x = np.asarray(X, dtype=np.float64)
        if x.ndim != 2:
            raise ValueError(f"X has {x.ndim} dimensions; rows of numbers, 2 dimensions, are needed")
        if not np.isfinite(x).all():
            raise ValueError("X has values that are no finite numbers")
        if reset:
            estimator.n_features_in_ = x.shape[1]
            if names is not None:
                estimator.feature_names_in_ = np.array(names, dtype=object)
        elif reset is False and x.shape[1] != estimator.n_features_in_:
            raise ValueError(
                f"X has {x.shape[1]} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} features as input"
            )
    if names is None:
        known = getattr(estimator, "feature_names_in_", None) if reset is False else None
        names = unnamed(x.shape[1]) if known is None else list(known)
    return np.ascontiguousarray(x), names


def check_targets(x: np.ndarray, y: Any) -> np.ndarray:
    """Targets, one a row."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    if SKLEARN:
        from sklearn.utils.validation import column_or_1d

        y = column_or_1d(y, warn=True)
    targets: np.ndarray = np.asarray(y)
    if targets.ndim != 1 or len(targets) != len(x):
        raise ValueError(f"y has shape {targets.shape}; one target for each of {len(x)} rows is needed")
    if targets.dtype.kind == "f" and not np.isfinite(targets).all():
        raise ValueError("y has values that are no finite numbers: Input y contains NaN or infinity.")
    return targets


def check_classes(y: np.ndarray) -> None:
    """An error if targets are measured values and no classes."""
    if SKLEARN:
        from sklearn.utils.multiclass import check_classification_targets

        check_classification_targets(y)


def check_fitted(estimator: Any) -> None:
    """An error if the estimator is not trained."""
    if not hasattr(estimator, "_trained"):
        raise NotFittedError(
            f"This {type(estimator).__name__} instance is not fitted yet: call fit with appropriate arguments first"
        )
