"""Arrays in, arrays out: a portable hash of texts to numbers in [0, 1)."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_OFFSET: Final = 0xCBF29CE484222325
_PRIME: Final = np.uint64(0x100000001B3)
_MIX: Final = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def fnv1a(data: bytes, state: int = _OFFSET) -> int:
    """Return the 64-bit FNV-1a hash of some bytes."""
    for byte in data:
        state = ((state ^ byte) * int(_PRIME)) & 0xFFFFFFFFFFFFFFFF
    return state


def hash_codes(
    texts: npt.NDArray[np.bytes_], salt: str, *ends: npt.NDArray[np.bytes_]
) -> npt.NDArray[np.uint64]:
    """Return 64 bits per text, as good as random, that depend on text and salt only.

    `ends` are further pieces of each text, hashed as if they were joined to it.

    FNV-1a over salt, a zero byte and the text (UTF-8), then the finaliser of SplitMix64. The same
    in every language and version.
    """
    state = np.full(texts.size, fnv1a(salt.encode() + b"\x00"), dtype=np.uint64)
    with np.errstate(over="ignore"):
        for piece in (texts, *ends):
            width = piece.dtype.itemsize
            letters = np.ascontiguousarray(piece).view(np.uint8).reshape(piece.size, width)
            for column in letters.T[letters.any(axis=0)]:  # padding changes nothing
                state = np.where(column > 0, (state ^ column) * _PRIME, state)
        for shift, factor in _MIX:
            state = (state ^ (state >> np.uint64(shift))) * np.uint64(factor)
    state ^= state >> np.uint64(31)
    return state


def hash_units(texts: npt.NDArray[np.bytes_], salt: str) -> npt.NDArray[np.float64]:
    """Return a number in [0, 1) per text: the upper 53 bits of its hash are the digits."""
    return (hash_codes(texts, salt) >> np.uint64(11)).astype(np.float64) * 2.0**-53
