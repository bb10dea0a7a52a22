import numpy as np
import pytest


@pytest.fixture(scope="session")
def flowers():
    """Two classes of 200 rows that a line nearly separates."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 3))
    y = np.where(X[:, 0] + 0.5 * X[:, 1] + 0.1 * rng.normal(size=200) > 0, "tall", "short")
    return X, y
