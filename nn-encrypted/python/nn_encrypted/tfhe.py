"""TFHE: encrypted small integers, each looked up in any table at a bootstrap."""

from ._native import tfhe as _tfhe

Ciphertexts = _tfhe.Ciphertexts
EvaluationKeys = _tfhe.EvaluationKeys
Evaluator = _tfhe.Evaluator
Parameters = _tfhe.Parameters
PublicKey = _tfhe.PublicKey
SecretKey = _tfhe.SecretKey

__all__ = ["Ciphertexts", "EvaluationKeys", "Evaluator", "Parameters", "PublicKey", "SecretKey"]
