"""The metrics: names in both languages, formulas in words, units."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from retainkit._core.catalogue import Catalogue, read_catalogue
from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label

MetricKind = Literal["proportion", "ratio", "count", "distribution"]


class MetricDefinition(FrozenConfig):
    """One metric as data: what a table of contents, a report or a scorecard shows.

    Parameters
    ----------
    name : str
        Name in code and in tables.
    label : Label
        Display name in English and Chinese.
    formula : Label
        Numerator / denominator in words.
    kind : {"proportion", "ratio", "count", "distribution"}
        A proportion has an interval; a distribution is measured on sorted values.
    unit : {"share", "money", "customers", "occasions"}
        Unit of the value.

    Examples
    --------
    >>> from retainkit.metrics import METRIC_DEFINITIONS
    >>> METRIC_DEFINITIONS["retention_rate"].label.zh
    '客户保持率'
    """

    name: str
    label: Label
    formula: Label
    kind: MetricKind
    unit: Literal["share", "money", "customers", "occasions"]


def _read_definitions() -> Mapping[str, MetricDefinition]:
    rows = read_catalogue("retainkit.metrics", "metrics")
    return {name: MetricDefinition(name=name, **row) for name, row in rows.items()}


METRIC_DEFINITIONS: Mapping[str, MetricDefinition] = Catalogue(_read_definitions)
"""Every metric of `tabulate_metrics`, by name, in display order."""
