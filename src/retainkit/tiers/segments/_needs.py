"""What customers need, by level: all, key, top key customers and special groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from retainkit._core.arrays import check_length
from retainkit._core.catalogue import read_catalogue
from retainkit._core.columns import Column
from retainkit._core.config import FrozenModel
from retainkit._core.labels import Label
from retainkit._core.result import ResultTable
from retainkit.errors import SchemaError
from retainkit.tiers._config import CATALOGUE, NEED_LEVELS, ROOM
from retainkit.tiers.grading._assign import TierTable
from retainkit.typing import ArrayLike1D

NeedLevel: TypeAlias = Literal["all", "key", "top_key", "special"]
"""Who has a need: every customer, key customers, the top of them, or a special group."""


class Need(FrozenModel):
    """One need.

    Parameters
    ----------
    id : str
        Short name.
    level : {"all", "key", "top_key", "special"}
        Who has it.
    label : Label
        The need in words.
    group : str or None, default None
        For the level "special": whose need it is.

    Examples
    --------
    >>> from retainkit.tiers import NeedCatalog
    >>> NeedCatalog.default().needs[0].label.text("zh")
    '质量可靠'
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    level: NeedLevel
    label: Label
    group: str | None = None

    @model_validator(mode="after")
    def _has_group(self) -> Self:
        """Refuse a special need without a group, and a group of any other."""
        if (self.level == "special") != (self.group is not None):
            raise ValueError("a special need names its group, and no other need does")
        return self


class NeedCatalog(FrozenModel):
    """Hold the needs a firm knows of; a firm writes its own.

    Parameters
    ----------
    needs : tuple of Need
        With unique ids.

    Examples
    --------
    >>> from retainkit.tiers import Need, NeedCatalog
    >>> late = Need(id="late_opening", level="special", group="shift workers",
    ...             label={"en": "Late opening hours", "zh": "延长营业时间"})
    >>> NeedCatalog(needs=(*NeedCatalog.default().needs, late)).groups
    ('newcomers', 'shift workers')
    """

    needs: tuple[Need, ...]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        """Refuse ids that are used twice."""
        ids = [need.id for need in self.needs]
        if len(set(ids)) < len(ids):
            raise ValueError(f"ids must be unique; got {sorted(ids)}")
        return self

    @property
    def groups(self) -> tuple[str, ...]:
        """Special groups, in order of appearance."""
        return tuple(dict.fromkeys(need.group for need in self.needs if need.group is not None))

    @classmethod
    def default(cls) -> NeedCatalog:
        """Return a starting point: ten needs that most firms' customers have, of all four levels.

        The special group is "newcomers".
        """
        return cls(needs=read_catalogue(ROOM, CATALOGUE)["needs"])


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class NeedTable(ResultTable):
    """Hold which needs each customer has.

    Parameters
    ----------
    customer_id : pandas.Index
        The customers.
    catalog : NeedCatalog
        The needs.
    has : ndarray of bool, shape (n_customers, n_needs)
        Who has which.
    value : ndarray of float
        What each customer is worth [money].
    """

    _what: ClassVar[str] = "customers"
    _next_step: ClassVar[str] = ".summary() or .to_frame()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("customer_id", lambda t: t.customer_id.repeat(t.has.shape[1])),
        Column(
            "need",
            lambda t: np.tile(np.arange(t.has.shape[1], dtype=np.int16), len(t)),
            "catalog.needs.id",
        ),
        Column("has", lambda t: t.has.ravel()),
    )

    customer_id: pd.Index[Any]
    catalog: NeedCatalog
    has: npt.NDArray[np.bool_]
    value: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return int(self.has.shape[0])

    @property
    def count(self) -> npt.NDArray[np.int64]:
        """How many of the needs each customer has."""
        count: npt.NDArray[np.int64] = self.has.sum(axis=1)
        return count

    def summary(self) -> pd.DataFrame:
        """Return one row per need: whose it is, in words, and how many and how much it concerns.

        In the order of the catalogue.
        """
        values = np.nan_to_num(self.value)
        rows = [
            {
                "need": need.id,
                "level": need.level,
                "level_zh": NEED_LEVELS[need.level].zh,
                "group": need.group,
                "label_en": need.label.en,
                "label_zh": need.label.zh,
                "customers": int(self.has[:, k].sum()),
                "value": float(values[self.has[:, k]].sum()),
            }
            for k, need in enumerate(self.catalog.needs)
        ]
        return pd.DataFrame(rows)


def match_needs(
    tiers: TierTable,
    *,
    catalog: NeedCatalog | None = None,
    top_share: float = 0.1,
    groups: Mapping[str, ArrayLike1D] | None = None,
) -> NeedTable:
    """Join the needs of each level to the customers who have them.

    Parameters
    ----------
    tiers : TierTable
        From `assign_tiers`; the best tier has the needs of key customers. Customers of bad
        standing have those of all and of their groups only.
    catalog : NeedCatalog, optional
        The needs; by default `NeedCatalog.default()`.
    top_share : float, default 0.1
        Share of the key customers, by value, who are the top ones: the smallest number that is
        at least that share, and who is worth the same as the last of them.
    groups : mapping of str to array_like of bool, optional
        Who is in each special group; a group not given has no members.

    Returns
    -------
    NeedTable
        In the order of `tiers`.

    Raises
    ------
    SchemaError
        If a group is not in the catalogue, or `top_share` is not between 0 and 1.
    AlignmentError
        If a group describes another number of customers.

    Examples
    --------
    >>> from retainkit.tiers import assign_tiers, fit_tier_scheme, match_needs
    >>> value = [60.0, 25.0, 10.0, 3.0, 2.0]
    >>> tiers = assign_tiers(value, fit_tier_scheme(value))
    >>> needs = match_needs(tiers, groups={"newcomers": [False, False, True, False, False]})
    >>> needs.summary().groupby("level", sort=False)["customers"].max().to_dict()
    {'all': 5, 'key': 2, 'top_key': 1, 'special': 1}
    """
    catalog = NeedCatalog.default() if catalog is None else catalog
    members = {} if groups is None else dict(groups)
    if set(members) - set(catalog.groups) or not 0.0 <= top_share <= 1.0:
        raise SchemaError(
            f"groups {sorted(members)}, top_share {top_share}",
            rule=f"groups of the catalogue ({', '.join(catalog.groups)}), a share in [0, 1]",
            where="match_needs",
        )
    n = len(tiers)
    key = tiers.tier == 0
    who: dict[str | None, npt.NDArray[np.bool_]] = {
        "all": np.ones(n, dtype=bool),
        "key": key,
        "top_key": _top(tiers.value, key, top_share),
    }
    for group in catalog.groups:
        inside = np.asarray(members.get(group, np.zeros(n, dtype=bool)), dtype=bool)
        check_length(inside.size, n, f"groups[{group!r}]")
        who[f"special {group}"] = inside
    columns = [
        who[f"special {need.group}" if need.level == "special" else need.level]
        for need in catalog.needs
    ]
    has = np.column_stack(columns) if columns else np.zeros((n, 0), dtype=bool)
    return NeedTable(customer_id=tiers.customer_id, catalog=catalog, has=has, value=tiers.value)


def _top(
    values: npt.NDArray[np.float64], key: npt.NDArray[np.bool_], share: float
) -> npt.NDArray[np.bool_]:
    """Return the best share of the key customers, ties included."""
    ranked = np.sort(values[key & ~np.isnan(values)])[::-1]
    count = int(np.ceil(share * ranked.size - 1e-9))
    if count < 1:
        return np.zeros(values.size, dtype=bool)
    top: npt.NDArray[np.bool_] = key & (values >= ranked[count - 1])
    return top
