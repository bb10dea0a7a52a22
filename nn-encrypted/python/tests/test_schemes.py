"""The schemes by hand: keys, arithmetic, bootstrap or table, and back."""

import numpy as np
import pytest

from nn_encrypted import NnEncryptedError, bgv, ckks, tfhe


def test_ckks():
    params = ckks.Parameters("n8192")
    key = ckks.SecretKey(params)
    server = ckks.Evaluator(params, key.evaluation_keys(rotations=[1]))
    x = key.encrypt(np.array([0.5, -0.25, 1.0]))
    y = key.public_key().encrypt(np.array([2.0, 4.0, -3.0]), bound=4.0)
    product = server.rotate(server.mul(x, y), 1)
    np.testing.assert_allclose(key.decrypt(product)[:2], [-1.0, -3.0], atol=1e-4)
    cubic = server.polynomial(x, [1.0, 0.0, 0.0, 2.0])
    np.testing.assert_allclose(key.decrypt(cubic)[:3], [1.25, 0.96875, 3.0], atol=1e-4)


def test_ckks_bootstrap():
    params = ckks.Parameters.insecure("bootstrap_sparse", 9, "a test")
    key = ckks.SecretKey(params)
    refresher = key.bootstrapper(4)
    used_up = key.encrypt(np.array([0.5, -0.25, 1.0]), level=params.reserved_levels, slots=4)
    fresh = refresher.bootstrap(used_up)
    assert fresh.level == params.levels > used_up.level
    np.testing.assert_allclose(key.decrypt(fresh)[:3], [0.5, -0.25, 1.0], atol=1e-5)


def test_bgv():
    params = bgv.Parameters("n8192")
    key = bgv.SecretKey(params)
    server = bgv.Evaluator(params, key.evaluation_keys(rotations=[1]))
    x = key.encrypt(np.array([1, 2, 3]), bound=30)
    y = key.public_key().encrypt(np.array([10, 20, -30]), bound=30)
    product = server.rotate_rows(server.add_plain(server.mul(x, y), np.array([5, 6, 7])), 1)
    assert key.decrypt(product)[:2].tolist() == [46, -83]
    with pytest.raises(NnEncryptedError, match="above t/2"):
        key.encrypt(np.array([params.modulus]), bound=params.modulus)


def test_tfhe():
    params = tfhe.Parameters("message_2_carry_2_failure_64")
    key = tfhe.SecretKey(params)
    server = tfhe.Evaluator(key.evaluation_keys())
    x = key.encrypt(np.array([1, 2, 3], dtype=np.uint64))
    y = key.public_key().encrypt(np.array([4, 5, 6], dtype=np.uint64))
    squares = np.arange(params.messages, dtype=np.uint64) ** 2 % params.messages
    assert key.decrypt(server.look_up(server.add(x, y), squares)).tolist() == [9, 1, 1]


@pytest.mark.parametrize("scheme", [ckks, bgv])
def test_bytes(scheme):
    params = scheme.Parameters("n8192")
    key = scheme.SecretKey(params)
    again = scheme.SecretKey.from_secret_bytes(params, key.to_secret_bytes())
    numbers = np.array([1, -2, 3]) if scheme is bgv else np.array([1.0, -2.0, 3.0])
    sent = key.encrypt(numbers, bound=4).to_bytes()
    keys = scheme.EvaluationKeys.from_bytes(params, key.evaluation_keys().to_bytes())
    server = scheme.Evaluator(params, keys)
    x = scheme.Ciphertext.from_bytes(params, sent)
    np.testing.assert_allclose(again.decrypt(server.mul(x, x))[:3], [1, 4, 9], atol=1e-4)
    with pytest.raises(NnEncryptedError):
        scheme.Ciphertext.from_bytes(params, sent[:-1])
    with pytest.raises(NnEncryptedError, match="secret"):
        scheme.SecretKey(params).decrypt(x)
    with pytest.raises(TypeError):
        __import__("pickle").dumps(key)
