"""CKKS: encrypted real numbers, one a slot, with bootstrapping."""

from ._native import ckks as _ckks

Bootstrapper = _ckks.Bootstrapper
Ciphertext = _ckks.Ciphertext
EvaluationKeys = _ckks.EvaluationKeys
Evaluator = _ckks.Evaluator
Parameters = _ckks.Parameters
PublicKey = _ckks.PublicKey
SecretKey = _ckks.SecretKey

__all__ = ["Bootstrapper", "Ciphertext", "EvaluationKeys", "Evaluator", "Parameters", "PublicKey", "SecretKey"]
