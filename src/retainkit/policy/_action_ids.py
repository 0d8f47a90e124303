"""The identity of a row of the plan, from customer, state and rule."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit.policy._kernel_hash import hash_codes


def action_ids(customer_id: pd.Index[Any], state: Any, rule: Any) -> npt.NDArray[np.str_]:
    """Return 16 hexadecimal digits per customer, state and rule; the same in every run."""
    codes = hash_codes(_as_bytes(customer_id), "action", _ending(state), _ending(rule))
    digits = codes.astype(">u8").tobytes().hex()
    return np.frombuffer(digits.encode("ascii"), dtype="S16").astype(str)


def _as_bytes(texts: pd.Index[Any]) -> npt.NDArray[np.bytes_]:
    """Return texts in UTF-8, or numbers as they are written."""
    if texts.dtype.kind in "iu":
        return np.asarray(texts).astype("S")
    return np.char.encode(texts.astype(str).to_numpy().astype(str), "utf-8")


def _ending(texts: Any) -> npt.NDArray[np.bytes_]:
    """Return texts, of which few differ, each behind a separator."""
    code, found = pd.factorize(pd.Index(texts))
    return np.char.encode(np.char.add("\x1f", np.asarray(found).astype(str)), "utf-8")[code]
