"""AES (FIPS 197) in the modes of Spark's aes_encrypt: ECB and CBC with PKCS#7 padding, GCM.

Plain Python, with no library: right for tokens and columns of secrets, not for bulk data.
"""

from __future__ import annotations

import hmac
import os
from functools import lru_cache
from itertools import pairwise

import pyarrow as pa

from penstock.functions.kernels.rows import by_row, raised

Word = list[int]


def _double(x: int) -> int:
    return (x << 1) ^ (0x11B if x & 0x80 else 0)


def _tables() -> tuple[bytes, bytes]:
    """The S-box and its inverse, from the inverses in GF(2^8)."""
    powers, x = [], 1
    for _ in range(255):
        powers.append(x)
        x = _double(x) ^ x
    logs = {value: i for i, value in enumerate(powers)}
    box = bytearray(256)
    for value in range(256):
        b = powers[-logs[value] % 255] if value else 0
        box[value] = b ^ 0x63 ^ _rotl8(b, 1) ^ _rotl8(b, 2) ^ _rotl8(b, 3) ^ _rotl8(b, 4)
    inverse = bytearray(256)
    for value, mapped in enumerate(box):
        inverse[mapped] = value
    return bytes(box), bytes(inverse)


def _rotl8(x: int, bits: int) -> int:
    return (x << bits | x >> (8 - bits)) & 0xFF


_BOX, _INVERSE = _tables()


def _multiplied(factor: int) -> bytes:
    table = bytearray(256)
    for value in range(256):
        x, total = value, 0
        for bit in range(4):
            if factor >> bit & 1:
                total ^= x
            x = _double(x)
        table[value] = total
    return bytes(table)


_BY = {factor: _multiplied(factor) for factor in (2, 3, 9, 11, 13, 14)}
_SHIFTED = [(i + 4 * (i % 4)) % 16 for i in range(16)]
_UNSHIFTED = [(i - 4 * (i % 4)) % 16 for i in range(16)]


@lru_cache(maxsize=256)
def _round_keys(key: bytes) -> tuple[bytes, ...]:
    size = len(key) // 4
    words = [list(key[i : i + 4]) for i in range(0, len(key), 4)]
    constant = 1
    for i in range(size, 4 * (size + 7)):
        word = list(words[-1])
        if i % size == 0:
            word = [_BOX[b] for b in (*word[1:], word[0])]
            word[0] ^= constant
            constant = _double(constant)
        elif size > 6 and i % size == 4:
            word = [_BOX[b] for b in word]
        words.append([a ^ b for a, b in zip(words[-size], word, strict=True)])
    return tuple(b"".join(map(bytes, words[i : i + 4])) for i in range(0, len(words), 4))


def _xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=False))


def encrypt_block(key: bytes, block: bytes) -> bytes:
    """One block of 16 bytes."""
    first, *middle, last = _round_keys(key)
    state, two, three = _xor(block, first), _BY[2], _BY[3]
    for round_key in middle:
        s = [_BOX[state[i]] for i in _SHIFTED]
        mixed = bytearray(16)
        for c in range(0, 16, 4):
            a, b, d, e = s[c : c + 4]
            mixed[c : c + 4] = bytes(
                (two[a] ^ three[b] ^ d ^ e, a ^ two[b] ^ three[d] ^ e, a ^ b ^ two[d] ^ three[e],
                 three[a] ^ b ^ d ^ two[e])
            )  # fmt: skip
        state = _xor(bytes(mixed), round_key)
    return _xor(bytes(_BOX[state[i]] for i in _SHIFTED), last)


def decrypt_block(key: bytes, block: bytes) -> bytes:
    """The opposite of `encrypt_block`."""
    first, *middle, last = _round_keys(key)
    nine, eleven, thirteen, fourteen = (_BY[f] for f in (9, 11, 13, 14))
    state = _xor(block, last)
    for round_key in reversed(middle):
        s = _xor(bytes(_INVERSE[state[i]] for i in _UNSHIFTED), round_key)
        mixed = bytearray(16)
        for c in range(0, 16, 4):
            a, b, d, e = s[c : c + 4]
            mixed[c : c + 4] = bytes(
                (fourteen[a] ^ eleven[b] ^ thirteen[d] ^ nine[e], nine[a] ^ fourteen[b] ^ eleven[d] ^ thirteen[e],
                 thirteen[a] ^ nine[b] ^ fourteen[d] ^ eleven[e], eleven[a] ^ thirteen[b] ^ nine[d] ^ fourteen[e])
            )  # fmt: skip
        state = bytes(mixed)
    return _xor(bytes(_INVERSE[state[i]] for i in _UNSHIFTED), first)


# ---------------------------------------------------------------- modes


def _blocks(data: bytes) -> list[bytes]:
    return [data[i : i + 16] for i in range(0, len(data), 16)]


def _padded(data: bytes) -> list[bytes]:
    missing = 16 - len(data) % 16
    return _blocks(data + bytes([missing]) * missing)


def _unpadded(data: bytes) -> bytes:
    missing = data[-1] if data else 0
    if not 1 <= missing <= 16 or data[-missing:] != bytes([missing]) * missing:
        raise ValueError("bad padding")
    return data[:-missing]


def _cbc(key: bytes, data: bytes, iv: bytes) -> bytes:
    out = [iv]
    for block in _padded(data):
        out.append(encrypt_block(key, _xor(block, out[-1])))
    return b"".join(out)


def _uncbc(key: bytes, data: bytes) -> bytes:
    blocks = _blocks(data)
    plain = (_xor(decrypt_block(key, block), before) for before, block in pairwise(blocks))
    return _unpadded(b"".join(plain))


def _ghash(key: int, data: bytes) -> int:
    total = 0
    for block in _blocks(data):
        x, total = total ^ int.from_bytes(block, "big"), 0
        v = key
        for bit in range(127, -1, -1):
            if x >> bit & 1:
                total ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
    return total


def _gcm(key: bytes, data: bytes, iv: bytes) -> bytes:
    """The counter stream over `data`, the same in both directions."""
    start = int.from_bytes(iv + b"\x00\x00\x00\x02", "big")
    stream = (encrypt_block(key, (start + i).to_bytes(16, "big")) for i in range(-(-len(data) // 16)))
    return _xor(data, b"".join(stream))


def _tag(key: bytes, secret: bytes, iv: bytes, extra: bytes) -> bytes:
    def whole(part: bytes) -> bytes:
        return part + b"\x00" * (-len(part) % 16)

    lengths = (len(extra) * 8).to_bytes(8, "big") + (len(secret) * 8).to_bytes(8, "big")
    hashed = _ghash(int.from_bytes(encrypt_block(key, b"\x00" * 16), "big"), whole(extra) + whole(secret) + lengths)
    return _xor(hashed.to_bytes(16, "big"), encrypt_block(key, iv + b"\x00\x00\x00\x01"))


# ---------------------------------------------------------------- kernels


def _wrong(condition: str, message: str, **params: object) -> ValueError:
    return raised(f"INVALID_PARAMETER_VALUE.{condition}", message, sqlstate="22023", kind="runtime", **params)


def _checked(function: str, key: bytes, mode: str, padding: str) -> str:
    if len(key) not in (16, 24, 32):
        raise _wrong(
            "AES_KEY_LENGTH", f"`{function}` takes keys of 16, 24 or 32 bytes, not {len(key)}.", parameter="`key`",
            functionName=f"`{function}`", actualLength=len(key),
        )  # fmt: skip
    mode, padding = mode.upper(), padding.upper()
    if (mode, padding) not in _MODES:
        raise raised(
            "UNSUPPORTED_FEATURE.AES_MODE", f"AES has no mode {mode} with padding {padding} here.", sqlstate="0A000",
            kind="runtime", mode=mode, padding=padding, functionName=f"`{function}`",
        )  # fmt: skip
    return mode


_MODES = {("ECB", "PKCS"), ("ECB", "DEFAULT"), ("CBC", "PKCS"), ("CBC", "DEFAULT"), ("GCM", "NONE"), ("GCM", "DEFAULT")}


def _vector(mode: str, iv: bytes, extra: bytes) -> bytes:
    size = {"ECB": 0, "CBC": 16, "GCM": 12}[mode]
    if iv and not size:
        raise raised("UNSUPPORTED_FEATURE.AES_MODE_IV", "ECB takes no initialization vector.", sqlstate="0A000",
                     mode=mode, functionName="`aes_encrypt`")  # fmt: skip
    if extra and mode != "GCM":
        raise raised("UNSUPPORTED_FEATURE.AES_MODE_AAD", f"{mode} takes no authenticated data.", sqlstate="0A000",
                     mode=mode, functionName="`aes_encrypt`")  # fmt: skip
    if iv and len(iv) != size:
        raise _wrong(
            "AES_IV_LENGTH", f"{mode} takes an initialization vector of {size} bytes, not {len(iv)}.", mode=mode,
            parameter="`iv`", functionName="`aes_encrypt`", actualLength=len(iv),
        )  # fmt: skip
    return iv or os.urandom(size)


@by_row(pa.binary())
def aes_encrypt(data: bytes, key: bytes, mode: str, padding: str, iv: bytes, extra: bytes) -> bytes:
    """Initialization vector (none in ECB), secret, and in GCM the tag."""
    mode = _checked("aes_encrypt", key, mode, padding)
    iv = _vector(mode, iv, extra)
    if mode == "ECB":
        return b"".join(encrypt_block(key, block) for block in _padded(data))
    if mode == "CBC":
        return _cbc(key, data, iv)
    secret = _gcm(key, data, iv)
    return iv + secret + _tag(key, secret, iv, extra)


@by_row(pa.binary(), strict=False)
def aes_decrypt(
    data: bytes | None, key: bytes | None, mode: str | None, padding: str | None, extra: bytes | None, quiet: bool
) -> bytes | None:
    """What `aes_encrypt` hid; a wrong key or a changed secret is an error (quiet: NULL)."""
    if data is None or key is None or mode is None or padding is None or extra is None:
        return None
    try:
        return _decrypted(data, key, _checked("aes_decrypt", key, mode, padding), extra)
    except ValueError as error:
        if quiet:
            return None
        if "⟦" in str(error):
            raise
        raise _wrong(
            "AES_CRYPTO_ERROR", f"The value cannot be decrypted: {error}.", parameter="`expr`, `key`",
            functionName="`aes_encrypt`/`aes_decrypt`", detailMessage=str(error),
        ) from None  # fmt: skip


def _decrypted(data: bytes, key: bytes, mode: str, extra: bytes) -> bytes:
    if mode != "GCM":
        if len(data) % 16 or len(data) < (16 if mode == "ECB" else 32):
            raise ValueError("the length is no multiple of 16")
        return _unpadded(b"".join(decrypt_block(key, b) for b in _blocks(data))) if mode == "ECB" else _uncbc(key, data)
    if len(data) < 28:
        raise ValueError("the value is too short")
    iv, secret, tag = data[:12], data[12:-16], data[-16:]
    if not hmac.compare_digest(tag, _tag(key, secret, iv, extra)):
        raise ValueError("the tag does not match")
    return _gcm(key, secret, iv)
