"""What the rules of tiers and stages may be set to, and the words of the room."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Annotated, Final, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from retainkit._core.catalogue import Catalogue, read_catalogue, read_labels
from retainkit._core.config import FrozenConfig
from retainkit._core.labels import Label
from retainkit.typing import NonNegativeFloat, PositiveFloat, Rate

ROOM: Final = "retainkit.tiers"
CATALOGUE: Final = "catalogue"

BAD: Final = "bad"
"""Name of the tier shown for customers of bad standing, whatever they are worth."""

LOST: Final = "lost"
"""Name of the tier shown for customers who are gone; the tier they had stands beside it."""

LAPSED: Final = "lapsed"
"""State of a customer who has left."""

NEW: Final = "new"
"""State before of a customer who was not there."""

MOVEMENTS: Final = ("promotion", "retention", "demotion", "bad", "exit")
"""What can become of a customer of a tier from one assessment to the next."""

STANDINGS: Final = ("good", "watch", "bad")
"""Standings by rising severity; the position is the code."""

STAGES: Final = ("prospect", "new", "growing", "mature", "declining", "lapsed", "won_back")
"""Lifecycle stages in the order of a relation; the position is the code."""

MOVEMENT_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "movement_labels")
"""Labels of the movements."""

TIER_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "tier_labels")
"""Labels of the default tiers, of `bad` and of `lost`; other tiers are labelled in their config."""

TIER_REASONS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "tier_reasons")
"""Why a customer is shown in its tier; the position is the code."""

SCHEME_NOTES: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "scheme_notes")
"""What a reader of a scheme must know about the base it was learnt on."""

STANDING_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "standing_labels")
"""Labels of the standings."""

STANDING_REASONS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "standing_reasons")
"""Why a customer has its standing, by rising severity; the position is the code."""

SEVERITY_STEPS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "severity_steps")
"""Severity in steps, each of several reasons; the position is the code."""

STAGE_LABELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "stage_labels")
"""Labels of the stages."""

DIMENSION_KINDS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "dimension_kinds")
"""What a dimension of segmentation is about, with display texts."""

NEED_LEVELS: Final[Mapping[str, Label]] = read_labels(ROOM, CATALOGUE, "need_levels")
"""Levels of needs, with display texts."""


def _read_stage_reasons() -> Mapping[str, tuple[str, Label]]:
    rows = read_catalogue(ROOM, CATALOGUE)["stage_reasons"]
    return {key: (row["stage"], Label(en=row["en"], zh=row["zh"])) for key, row in rows.items()}


STAGE_REASONS: Final[Mapping[str, tuple[str, Label]]] = Catalogue(_read_stage_reasons)
"""The rules of the lifecycle: reason -> (stage, label), in the order in which they are tried."""


def _read_stages_of_states() -> Mapping[str, tuple[str, ...]]:
    rows = read_catalogue(ROOM, CATALOGUE)["stages_of_states"]
    return {state: tuple(reasons) for state, reasons in rows.items()}


STAGES_OF_STATES: Final[Mapping[str, tuple[str, ...]]] = Catalogue(_read_stages_of_states)
"""Which rules of the lifecycle may speak in each state of the relation."""

_Share: TypeAlias = Annotated[float, Field(gt=0.0, le=1.0)]
_Name: TypeAlias = Annotated[str, Field(pattern=r"^\S(.*\S)?$")]


class _ByShares(FrozenConfig):
    """Rules with cumulative shares, best tier first."""

    shares: tuple[_Share, ...]

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        """Refuse shares that do not ascend."""
        if any(low >= high for low, high in pairwise(self.shares)):
            raise ValueError(f"shares are cumulative and must ascend strictly; got {self.shares}")
        return self

    @property
    def n_cuts(self) -> int:
        """Number of cuts the rule makes."""
        return len(self.shares)


class ByValueShare(_ByShares):
    """Cut where the best customers together reach given shares of the value.

    Each cut is the value of the last customer of the smallest set of best customers that makes
    the share; customers of equal value stay together, so a tier may hold a little more.

    Parameters
    ----------
    kind : "value_share"
        Tells the rules apart in JSON.
    shares : tuple of float, default (0.8, 0.95)
        Cumulative shares in (0, 1], ascending: one per tier but the last.
    base : {"positive", "net"}, default "positive"
        What the shares are shares of. "positive": the sum of the positive values, so that
        loss-making customers never move a cut. "net": the sum of all values, as a whale curve
        reads; losses then shrink the best tiers. Where the net total is not positive, "net"
        falls back to "positive" and the scheme notes it.
    most_heads : float or None, default None
        Largest share of the heads the best tier may hold; customers of equal value who do not
        all fit go down. None: no limit.
    least_of_mean : float or None, default None
        How many times the mean each customer of the best tier is worth at least. None: no limit.
        With either limit the best tier may be empty: value is not concentrated then.

    Examples
    --------
    >>> from retainkit.tiers import ByValueShare
    >>> ByValueShare(shares=(0.5, 0.8, 0.95)).base
    'positive'
    >>> few = ByValueShare.few_key()
    >>> few.shares, few.most_heads, few.least_of_mean
    ((0.8, 0.95), 0.2, 2.0)
    """

    kind: Literal["value_share"] = "value_share"
    shares: tuple[_Share, ...] = (0.8, 0.95)
    base: Literal["positive", "net"] = "positive"
    most_heads: _Share | None = None
    least_of_mean: PositiveFloat | None = None

    @classmethod
    def few_key(cls) -> Self:
        """Return the rule of a run: few are key, and perhaps nobody.

        Key are the customers behind the first 80 % of value, at most 20 % of the heads, each
        worth at least twice the mean.
        """
        return cls(most_heads=0.2, least_of_mean=2.0)


class ByHeadcount(_ByShares):
    """Cut where the best customers together reach given shares of the heads.

    A tier holds the smallest number of best customers that is at least the share; customers of
    equal value stay together. The sign of a value does not matter.

    Parameters
    ----------
    kind : "headcount"
        Tells the rules apart in JSON.
    shares : tuple of float, default (0.2, 0.5)
        Cumulative shares of the customers with a computable value, in (0, 1], ascending.

    Examples
    --------
    >>> from retainkit.tiers import ByHeadcount
    >>> ByHeadcount().shares
    (0.2, 0.5)
    """

    kind: Literal["headcount"] = "headcount"
    shares: tuple[_Share, ...] = (0.2, 0.5)


class ByCuts(FrozenConfig):
    """Cut at given amounts.

    Parameters
    ----------
    kind : "cuts"
        Tells the rules apart in JSON.
    cuts : tuple of float
        Lower bounds of the tiers but the last [money], descending; a value equal to a bound
        belongs to the tier.

    Examples
    --------
    >>> from retainkit.tiers import ByCuts
    >>> ByCuts(cuts=(1000.0, 100.0)).cuts
    (1000.0, 100.0)
    """

    kind: Literal["cuts"] = "cuts"
    cuts: tuple[float, ...]

    @model_validator(mode="after")
    def _descending(self) -> Self:
        """Refuse cuts that do not descend."""
        if any(high <= low for high, low in pairwise(self.cuts)):
            raise ValueError(f"cuts must descend strictly (best tier first); got {self.cuts}")
        return self

    @property
    def n_cuts(self) -> int:
        """Number of cuts the rule makes."""
        return len(self.cuts)


class _ByBreaks(FrozenConfig):
    """Rules that find the breaks in the values."""

    n_tiers: Annotated[int, Field(ge=2, le=100)] = 3

    @property
    def n_cuts(self) -> int:
        """Number of cuts the rule makes."""
        return self.n_tiers - 1


class ByNaturalBreaks(_ByBreaks):
    """Cut where the values themselves leave the widest gaps: Fisher-Jenks natural breaks.

    The cuts make the squared deviation inside the tiers as small as possible. On values as
    skewed as money the best tier is then a handful of very large customers, whatever share of
    the value they make; the scheme reports that share.

    Parameters
    ----------
    kind : "natural_breaks"
        Tells the rules apart in JSON.
    n_tiers : int, default 3
        Number of tiers, 2 to 100.

    References
    ----------
    Fisher, W. D. (1958). On grouping for maximum homogeneity. Journal of the American
    Statistical Association 53(284), 789-798.

    Examples
    --------
    >>> from retainkit.tiers import ByNaturalBreaks, TierSchemeConfig, fit_tier_scheme
    >>> config = TierSchemeConfig(rule=ByNaturalBreaks())
    >>> scheme = fit_tier_scheme([100.0, 98.0, 50.0, 48.0, 3.0, 2.0, 1.0], config=config)
    >>> scheme.cuts, round(scheme.variance_explained, 4)
    ((98.0, 48.0), 0.9995)
    """

    kind: Literal["natural_breaks"] = "natural_breaks"


class ByHeadTailBreaks(_ByBreaks):
    """Cut at the mean, then the customers above it at their mean, and so on.

    Made for heavy tails: each better tier is the part of the tier below that is above average.

    Parameters
    ----------
    kind : "head_tail"
        Tells the rules apart in JSON.
    n_tiers : int, default 3
        Number of tiers, 2 to 100.

    References
    ----------
    Jiang, B. (2013). Head/tail breaks: a new classification scheme for data with a heavy-tailed
    distribution. The Professional Geographer 65(3), 482-494.

    Examples
    --------
    >>> from retainkit.tiers import ByHeadTailBreaks, TierSchemeConfig, fit_tier_scheme
    >>> config = TierSchemeConfig(rule=ByHeadTailBreaks())
    >>> fit_tier_scheme([19.0, 8.0, 3.0, 2.0, 2.0, 2.0], config=config).cuts
    (19.0, 8.0)
    """

    kind: Literal["head_tail"] = "head_tail"


TierRule: TypeAlias = ByValueShare | ByHeadcount | ByCuts | ByNaturalBreaks | ByHeadTailBreaks


class TierSchemeConfig(FrozenConfig):
    """Choose the tiers and how the value scale is cut into them.

    Parameters
    ----------
    names : tuple of str, default ("key", "ordinary", "small")
        Tiers, best first; any number from 1 to 100. "bad" is kept for the standing.
    rule : rule, default ByValueShare()
        Where the cuts are, one cut less than tiers: ByValueShare, ByHeadcount, ByCuts,
        ByNaturalBreaks or ByHeadTailBreaks.
    labels : tuple of Label, default ()
        Display texts, one per tier; () takes the default ones, and the name itself for a name
        without one.

    Examples
    --------
    >>> from retainkit.tiers import ByHeadcount, TierSchemeConfig
    >>> config = TierSchemeConfig(names=("gold", "silver"), rule=ByHeadcount(shares=(0.2,)))
    >>> [label.text("zh") for label in TierSchemeConfig().tier_labels]
    ['关键客户', '普通客户', '小客户']
    """

    names: Annotated[tuple[_Name, ...], Field(min_length=1, max_length=100)] = (
        "key",
        "ordinary",
        "small",
    )
    rule: Annotated[TierRule, Field(discriminator="kind")] = ByValueShare()
    labels: tuple[Label, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse names, labels and rules that do not fit together."""
        if len(set(self.names)) < len(self.names) or BAD in self.names:
            raise ValueError(
                f"tier names must be unique and {BAD!r} is kept for the standing; got {self.names}"
            )
        if self.rule.n_cuts != len(self.names) - 1:
            raise ValueError(
                f"{len(self.names)} tiers need {len(self.names) - 1} cuts; the rule makes "
                f"{self.rule.n_cuts}: give one share or cut per tier but the last"
            )
        if self.labels and len(self.labels) != len(self.names):
            raise ValueError(f"{len(self.names)} tiers need as many labels; got {len(self.labels)}")
        return self

    @property
    def tier_labels(self) -> tuple[Label, ...]:
        """Display texts of the tiers, best first."""
        default = (TIER_LABELS.get(name, Label(en=name, zh=name)) for name in self.names)
        return self.labels or tuple(default)


class LifecycleConfig(FrozenConfig):
    """Choose where one lifecycle stage ends and the next begins.

    Lengths of time are counted in gaps of the customer's own rhythm, so one setting fits a weekly
    and a yearly buyer.

    Parameters
    ----------
    usual_gap : float or None, default None
        The category's known purchase cycle [unit]; None learns it from the base.
    prior_gaps : float, default 1
        How many gaps of the usual length a customer's own rhythm is mixed with.
    declining_gaps : float, default 2
        Silence longer than this [own gaps] is a decline.
    lapsed_gaps : float, default 3
        Silence longer than this [own gaps] is a lapse, where `p_alive` is not known.
    lapsed_below : float, default 0.5
        A probability of being alive below this is a lapse, where `p_alive` is known.
    new_gaps : float, default 1
        A relation not older than this [usual gaps] is new.
    settled_occasions : int, default 4
        A relation with fewer purchase occasions is still forming.
    trend : float, default 0.2
        A relative change of spending of at least this size is a rise or a fall.

    Notes
    -----
    If gaps are exponential, a buyer who is still there stays silent for more than 2 mean gaps
    with probability exp(-2) = 13.5 % and for more than 3 with exp(-3) = 5.0 %.
    """

    usual_gap: PositiveFloat | None = None
    prior_gaps: NonNegativeFloat = 1.0
    declining_gaps: PositiveFloat = 2.0
    lapsed_gaps: PositiveFloat = 3.0
    lapsed_below: Rate = 0.5
    new_gaps: NonNegativeFloat = 1.0
    settled_occasions: Annotated[int, Field(ge=2)] = 4
    trend: PositiveFloat = 0.2

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Refuse a decline that begins after the lapse."""
        if self.declining_gaps > self.lapsed_gaps:
            raise ValueError(
                f"declining_gaps must not exceed lapsed_gaps; got {self.declining_gaps} and "
                f"{self.lapsed_gaps}"
            )
        return self
