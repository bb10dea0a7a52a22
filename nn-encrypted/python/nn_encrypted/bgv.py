"""BGV: encrypted integers, exact, one a slot."""

from ._native import bgv as _bgv

Ciphertext = _bgv.Ciphertext
EvaluationKeys = _bgv.EvaluationKeys
Evaluator = _bgv.Evaluator
Parameters = _bgv.Parameters
PublicKey = _bgv.PublicKey
SecretKey = _bgv.SecretKey

__all__ = ["Ciphertext", "EvaluationKeys", "Evaluator", "Parameters", "PublicKey", "SecretKey"]
