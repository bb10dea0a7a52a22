"""Train neural networks on encrypted data, and classify with them."""

from ._estimators import EncryptedClassifier, EncryptedRegressor
from ._native import Interrupted, NnEncryptedError, builtin_recipes

__all__ = [
    "EncryptedClassifier",
    "EncryptedRegressor",
    "Interrupted",
    "NnEncryptedError",
    "builtin_recipes",
]
