"""TFHE: encrypted small integers, each looked up in any table at a bootstrap."""

from typing import final

import numpy as np
from numpy.typing import NDArray

Messages = NDArray[np.uint64]

@final
class Parameters:
    """Parameters of 128 bits of security, by the name of a preset."""

    messages: int
    def __new__(cls, name: str) -> Parameters: ...

@final
class SecretKey:
    """The key that decrypts. It is never pickled."""

    def __new__(cls, params: Parameters) -> SecretKey: ...
    def encrypt(self, messages: Messages) -> Ciphertexts: ...
    def decrypt(self, ciphertexts: Ciphertexts) -> Messages: ...
    def public_key(self) -> PublicKey: ...
    def evaluation_keys(self) -> EvaluationKeys: ...
    def to_secret_bytes(self) -> bytes: ...
    @classmethod
    def from_secret_bytes(cls, params: Parameters, bytes: bytes) -> SecretKey: ...

@final
class PublicKey:
    """The key by which others encrypt."""

    def encrypt(self, messages: Messages) -> Ciphertexts: ...

@final
class EvaluationKeys:
    """The keys by which a server computes. They decrypt nothing."""

    nbytes: int

@final
class Ciphertexts:
    """Encrypted messages."""

    def __len__(self) -> int: ...
    def to_bytes(self) -> bytes: ...
    @classmethod
    def from_bytes(cls, params: Parameters, bytes: bytes) -> Ciphertexts: ...

@final
class Evaluator:
    """What a server computes with."""

    def __new__(cls, keys: EvaluationKeys) -> Evaluator: ...
    def add(self, a: Ciphertexts, b: Ciphertexts) -> Ciphertexts: ...
    def look_up(self, a: Ciphertexts, table: Messages) -> Ciphertexts: ...
