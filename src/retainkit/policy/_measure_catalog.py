"""The catalogue of measures: validated, readable from JSON and TOML, never code."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from retainkit._core.catalogue import read_catalogue
from retainkit._core.config import FrozenModel
from retainkit.errors import SchemaError
from retainkit.policy import _kernel
from retainkit.policy._condition import MeasureCondition
from retainkit.policy._measures import DebtStep, PolicyMeasure
from retainkit.policy._vocabulary import (
    POTENTIALS,
    RELATIONS,
    RISKS,
    STANCES,
    STANDINGS,
    TIER_ROLES,
    Lookup,
    Stance,
    among,
)
from retainkit.typing import Language

DO_NOTHING = "do_nothing"
"""Id of the measure that is always a candidate."""


@cache
def _default_measures() -> tuple[PolicyMeasure, ...]:
    return tuple(PolicyMeasure.model_validate(row) for row in _default()["measures"])


@cache
def _default_debt_steps() -> tuple[DebtStep, ...]:
    return tuple(DebtStep.model_validate(row) for row in _default()["debt_steps"])


def _default_version() -> str:
    version: str = _default()["version"]
    return version


def _default() -> Mapping[str, Any]:
    return read_catalogue("retainkit.policy", "measures")


class MeasureCatalog(FrozenModel):
    """Every measure a policy may use: versioned data, read from JSON or TOML like a user's own.

    `MeasureCatalog()` is the default catalogue: the measures of the domain, without
    prices and effects, which only the firm knows.

    Parameters
    ----------
    version : str
        Version of the catalogue's content.
    measures : tuple of PolicyMeasure
        The measures, in order of preference where nothing else decides.
    debt_steps : tuple of DebtStep
        Escalation against debtors, in increasing days overdue.

    Raises
    ------
    pydantic.ValidationError
        If an id appears twice, `do_nothing` is absent or not free for everybody, or the debt
        steps do not escalate.

    Examples
    --------
    >>> from retainkit.policy import CostModel, MeasureCatalog, MeasureEffect
    >>> catalog = MeasureCatalog()
    >>> priced = catalog.measure("trade_up").replace(
    ...     cost=CostModel(per_contact=1.5, contacts=2), effect=MeasureEffect(spend=0.1))
    >>> catalog.with_measures(priced).measure("trade_up").cost.expected
    3.0
    >>> MeasureCatalog.from_json(catalog.to_json()) == catalog
    True
    """

    version: str = Field(default_factory=_default_version)
    measures: tuple[PolicyMeasure, ...] = Field(default_factory=_default_measures)
    debt_steps: tuple[DebtStep, ...] = Field(default_factory=_default_debt_steps)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        counts = Counter(measure.id for measure in self.measures)
        twice = [name for name, count in counts.items() if count > 1]
        if twice:
            raise ValueError(f"measure ids appear more than once: {twice}")
        nothing = next((m for m in self.measures if m.id == DO_NOTHING), None)
        if nothing is None:
            raise ValueError(f"the measure {DO_NOTHING!r} must be in every catalogue")
        asks = nothing.tiers or nothing.stances or nothing.condition != MeasureCondition()
        if asks or nothing.cost.expected != 0.0 or nothing.effect.is_supplied:
            raise ValueError(f"{DO_NOTHING!r} is open to everybody, costs 0 and changes nothing")
        days = [step.after_days_overdue for step in self.debt_steps]
        if any(later <= earlier for earlier, later in pairwise(days)):
            raise ValueError(f"debt steps must escalate: after_days_overdue is {days}")
        return self

    @property
    def allowed(self) -> npt.NDArray[np.bool_]:
        """Whether each measure (axis 0) serves each stance (1) in each of the 108 states (2)."""
        return self._lookup.arrays["allowed"]

    @cached_property
    def _lookup(self) -> Lookup:
        table = np.zeros((len(self.measures), len(STANCES), _kernel.N_STATES), dtype=np.bool_)
        for position, measure in enumerate(self.measures):
            condition = measure.condition
            states = _kernel.state_mask(
                among(TIER_ROLES, measure.tiers),
                among(STANDINGS, condition.standings),
                among(POTENTIALS, condition.potentials),
                among(RISKS, condition.risks),
            )
            table[position] = among(STANCES, measure.stances)[:, None] & states
        return Lookup(allowed=table)

    @cached_property
    def priced(self) -> tuple[int, ...]:
        """Where in `measures` those stand whose cost and effect were supplied."""
        return tuple(i for i, measure in enumerate(self.measures) if measure.has_economics)

    @cached_property
    def uses(self) -> dict[str, dict[str, float]]:
        """Units of each resource per customer treated, by measure; only what was supplied."""
        table: dict[str, dict[str, float]] = {}
        for measure in self.measures:
            for use in measure.uses:
                table.setdefault(use.resource, {})[measure.id] = use.amount
        return table

    @cached_property
    def positions(self) -> dict[str, int]:
        """Position of each measure by id."""
        return {measure.id: position for position, measure in enumerate(self.measures)}

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a catalogue written as TOML: `version` and one `[[measures]]` table each.

        Parameters
        ----------
        text : str
            The TOML document; keys are the field names of `PolicyMeasure`.

        Returns
        -------
        MeasureCatalog
            The validated catalogue; `do_nothing` is added when the document leaves it out.

        Raises
        ------
        pydantic.ValidationError
            If the content breaks the schema.
        tomllib.TOMLDecodeError
            If the text is not TOML.

        Examples
        --------
        >>> from retainkit.policy import MeasureCatalog
        >>> catalog = MeasureCatalog.from_toml('''
        ... version = "2026-spring"
        ... [[measures]]
        ... id = "birthday_letter"
        ... stances = ["protect"]
        ... channel = "mail"
        ... changes = ["retention"]
        ... name = {en = "Birthday letter", zh = "生日贺信"}
        ... description = {en = "A signed letter.", zh = "亲笔签名的贺信。"}
        ... cost = {per_customer = 1.2}
        ... ''')
        >>> [measure.id for measure in catalog.measures]
        ['do_nothing', 'birthday_letter']
        """
        document = tomllib.loads(text)
        rows = document.get("measures")
        if rows is not None and not any(row.get("id") == DO_NOTHING for row in rows):
            nothing = next(row for row in _default()["measures"] if row["id"] == DO_NOTHING)
            document["measures"] = [nothing, *rows]
        return cls.model_validate(document)

    def measure(self, measure_id: str) -> PolicyMeasure:
        """Return one measure by id; SchemaError names the closest ids where there is none."""
        if measure_id in self.positions:
            return self.measures[self.positions[measure_id]]
        close = get_close_matches(measure_id, [measure.id for measure in self.measures])
        raise SchemaError(
            f"no measure {measure_id!r}",
            rule="a measure is named by its id",
            where=f"catalogue {self.version}",
            fix=f"closest ids: {close}" if close else "see MeasureCatalog.to_frame()",
        )

    def with_measures(self, *measures: PolicyMeasure) -> Self:
        """Return a copy in which `measures` replace those of the same id or are added.

        The copy is validated; replaced measures keep their place.

        Examples
        --------
        >>> from retainkit.policy import MeasureCatalog
        >>> catalog = MeasureCatalog()
        >>> catalog.with_measures(catalog.measure("trade_up")) == catalog
        True
        """
        new = {measure.id: measure for measure in measures}
        kept = [new.pop(measure.id, measure) for measure in self.measures]
        return self.replace(measures=(*kept, *new.values()))

    def to_frame(self, *, language: Language = "en") -> pd.DataFrame:
        """Return the catalogue as a table to read.

        Parameters
        ----------
        language : {"en", "zh"}
            Language of names and descriptions.

        Returns
        -------
        pandas.DataFrame
            One row per measure in catalogue order; `cost` [money] is NaN where not supplied.

        Examples
        --------
        >>> from retainkit.policy import MeasureCatalog
        >>> frame = MeasureCatalog().to_frame(language="zh")
        >>> frame.loc[frame["measure"] == "trade_up", "name"].item()
        '鼓励购买更高价值的产品'
        """
        rows = [
            {
                "measure": m.id,
                "source": m.source,
                "name": m.name.text(language),
                "description": m.description.text(language),
                "tiers": ", ".join(m.tiers or TIER_ROLES),
                "stances": ", ".join(m.stances or tuple(Stance)),
                "standings": ", ".join(m.condition.standings or STANDINGS),
                "potentials": ", ".join(m.condition.potentials or POTENTIALS),
                "risks": ", ".join(m.condition.risks or RISKS),
                "relations": ", ".join(m.condition.relations or RELATIONS),
                "changes": ", ".join(m.changes),
                "channel": m.channel,
                "adverse": m.adverse,
                "cost": float("nan") if m.cost.expected is None else m.cost.expected,
                "uses": ", ".join(f"{use.amount:g} {use.resource}" for use in m.uses),
            }
            for m in self.measures
        ]
        return pd.DataFrame(rows)
