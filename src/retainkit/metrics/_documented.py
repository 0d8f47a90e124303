"""What every metric function says about its parameters and errors, written once."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TypeVar

Metric = TypeVar("Metric", bound=Callable[..., object])

_INDEXES = {"PurchaseIndex": "index_purchases", "ContractIndex": "index_contracts"}
_PARAMETERS = {
    "period": "period : Period\n    Days measured, half-open.",
    "window_days": """\
window_days : int, optional
    Purchase data: a customer is active at the end of a day if they bought within this many
    days up to and including it [day]; by default `convention.window_days`. Contracts have no
    window.""",
    "convention": "convention : MetricConvention, optional\n    What the words mean.",
}
_RAISES = """\
Raises
------
NotComputableError
    If the convention asks for a setting this function cannot honour.

"""
_AFTER_RAISES = re.compile(r"^(?=(?:Notes|References|Examples)\n-)", re.MULTILINE)


def documented(metric: Metric) -> Metric:
    """Add the sections Parameters and Raises to the docstring of a metric function."""
    text = inspect.getdoc(metric)
    if text is None:  # python -OO
        return metric
    described = [_describe(metric, name) for name in inspect.signature(metric).parameters]
    parameters = "\n".join(["Parameters", "----------", *described, "", ""])
    text = text.replace("Returns\n-------\n", f"{parameters}Returns\n-------\n", 1)
    metric.__doc__ = _AFTER_RAISES.sub(_RAISES, text, count=1)
    return metric


def _describe(metric: Callable[..., object], name: str) -> str:
    if name != "base":
        return _PARAMETERS[name]
    kinds = metric.__annotations__["base"].split(" | ")
    sources = " or ".join(f"`{_INDEXES[kind]}`" for kind in kinds)
    return f"base : {' or '.join(kinds)}\n    From {sources}."
