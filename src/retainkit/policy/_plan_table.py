"""ActionPlan: who gets what, why, by whom and until when, and who is left out to prove it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Final, Protocol, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from retainkit._core.catalogue import read_labels
from retainkit._core.columns import Column, frame_of
from retainkit._core.result import TranslatedTable
from retainkit._core.sentences import count
from retainkit.errors import SchemaError
from retainkit.policy import _kernel_trial as _kernel
from retainkit.policy._measure_catalog import MeasureCatalog
from retainkit.policy._vocabulary import Stance
from retainkit.typing import Language

ARMS: Final = ("not_proven", "treated", "held_out", "never_treated", "tried", "compared")
"""Sides of a trial; the position is the code."""

STATUSES: Final = ("open", "done", "declined", "snoozed", "closed")
"""What became of a row."""

STEPS: Final = (
    "planned",
    "rule",
    "eligibility",
    "guard_rail",
    "contact_limit",
    "does_not_pay",
    "budget",
    "held_out",
)
"""Where a customer left the plan; the first stays in it."""

STEP_LABELS: Final = read_labels("retainkit.policy", "plan", "steps")
TRIGGER_LABELS: Final = read_labels("retainkit.policy", "plan", "triggers")
WORDS: Final = read_labels("retainkit.policy", "plan", "words")

_SOON: Final = 12
"""Trials read together that are worth waiting for."""

DOING: Final = ("not_proven", "treated", "tried")
"""Arms in which the action is carried out."""

DAYS: Final = ("due", "snoozed_until", "first_raised", "override_until", "trial_start", "trial_end")
NUMBERS: Final = (
    *("cost", "expected_gain", "gain_low", "gain_high", "at_stake", "break_even"),
    *("held_out_share", "expected_value", "worth"),
)
COLUMNS: Final = (
    *("action_id", "customer_id", "state", "tier", "stance", "action", "why", "trigger"),
    *("owner", "due", "channel", "cost", "expected_gain", "gain_low", "gain_high"),
    *("at_stake", "break_even", "holdout", "status", "snoozed_until", "first_raised", "attempts"),
    *("override_by", "override_reason", "override_until"),
    *("trial", "trial_start", "trial_end", "arm", "held_out_share", "expected_value", "worth"),
)
"""Columns of a plan, in the order of its file."""


class HasReasons(Protocol):
    """Whatever says why customers get their action."""

    def why(self, rows: npt.NDArray[np.int64], language: Language) -> npt.NDArray[Any]:
        """Return a sentence per customer at these positions."""


class HasRows(Protocol):
    """Rows of a plan that are written out when they are asked for."""

    def frame(self) -> pd.DataFrame:
        """Return the rows, with the columns of a plan."""

    def __len__(self) -> int: ...


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class ActionPlan(TranslatedTable):
    """Hold one row for each customer for whom something is to be done or on purpose left undone.

    Rows live on: the same customer, state and rule keep their `action_id` from run to run, with
    what a person wrote into `status`, `snoozed_until` and the `override_` columns. Where `holdout`
    is True nothing is to be done, to prove what doing it brings; `arm` says on which side of the
    trial a customer stands ("not_proven": outside of any trial).

    Parameters
    ----------
    written : pandas.DataFrame or HasRows
        The rows, most at stake first (by expected gain where it is known); triggers as codes. Those
        of a run are kept as decisions and written out by `.rows`, at each reading anew.
    source : HasReasons or None
        Where the sentences come from; None: they stand in the rows.
    customer_id : pandas.Index
        Every customer that was looked at.
    step : numpy.ndarray of int8
        Where each of them left the plan: a position in `steps`.
    cv : float
        Standard deviation over mean of what the forecast leaves open.

    Examples
    --------
    >>> import retainkit as rk
    >>> plan = rk.RetentionPipeline().run(rk.load_cdnow_sample(), as_of="1998-06-30").plan
    >>> plan.funnel()["step"].tolist()[:3]
    ['planned', 'rule', 'eligibility']
    """

    _what: ClassVar[str] = "rows"
    _next_step: ClassVar[str] = ".to_do(), .funnel(), .trials() or evaluate_plan(plan, ...)"
    _schema: ClassVar[tuple[Column, ...]] = tuple(
        Column(name, {"why": "_why", "trigger": "_trigger"}.get(name, f"rows:{name}"))
        for name in COLUMNS
    )
    steps: ClassVar[tuple[str, ...]] = STEPS

    written: pd.DataFrame | HasRows
    source: HasReasons | None
    customer_id: pd.Index[Any]
    step: npt.NDArray[np.int8]
    cv: float = 2.0

    @property
    def rows(self) -> pd.DataFrame:
        """The rows without their sentences, triggers as codes."""
        return self.written if isinstance(self.written, pd.DataFrame) else self.written.frame()

    def __len__(self) -> int:
        return len(self.written)

    def _frame(self, language: Language | None) -> pd.DataFrame:
        return frame_of(replace(self, written=self.rows), self._schema, language)

    def _why(self, language: Language) -> pd.Series[Any]:
        if self.source is None:
            return self.rows["why"]
        place = self.customer_id.get_indexer(pd.Index(self.rows["customer_id"]))
        known = place >= 0
        said = np.full(len(self.rows), "", dtype=object)
        said[known] = self.source.why(place[known], language)
        return pd.Series(said, dtype=object)

    def _trigger(self, language: Language) -> pd.Series[Any]:
        told = {name: label.text(language) for name, label in TRIGGER_LABELS.items()}
        codes = self.rows["trigger"].astype(str)
        return codes.map(told).where(codes.isin(list(told)), codes)

    def to_do(self, *, language: Language = "en") -> pd.DataFrame:
        """Return what is to be done now: open rows of who is not held out."""
        frame = self.to_frame(language=language)
        busy = frame["arm"].isin(DOING) & (frame["status"] == "open")
        return frame[busy].reset_index(drop=True)

    def summary(self) -> pd.DataFrame:
        """Return one row per action: customers, held_out, cost and expected_gain of the treated."""
        rows = self.rows
        doing = rows["arm"].isin(DOING)
        parts = rows.assign(
            held_out=rows["arm"].isin(("held_out", "never_treated")),
            cost=rows["cost"].where(doing),
            expected_gain=rows["expected_gain"].where(doing),
        )[rows["arm"] != "compared"].groupby("action", observed=True, sort=True)
        found = parts.agg(customers=("action", "size"), held_out=("held_out", "sum"))
        for name in ("cost", "expected_gain"):
            found[name] = parts[name].sum(min_count=1)
        return found.reset_index()

    def funnel(self) -> pd.DataFrame:
        """Return how many customers each step removed: step, customers, share.

        "planned" stay; "rule" says that nothing is to be done; "eligibility": no action of the
        catalogue serves them; "guard_rail": what would be taken may not be taken;
        "contact_limit": declined or put off by somebody; "does_not_pay"; "budget":
        good, but not chosen (budget or a capacity); "held_out" to prove the effect.
        """
        count = np.bincount(self.step, minlength=len(STEPS))
        share = count / max(self.step.size, 1)
        return pd.DataFrame({"step": STEPS, "customers": count, "share": share})

    def removed(self, step: str) -> pd.Index[Any]:
        """Return the customers who left the plan at this step of the funnel.

        Raises
        ------
        SchemaError
            If there is no such step.
        """
        if step not in STEPS:
            raise SchemaError(f"no step {step!r}", rule=f"steps are {', '.join(STEPS)}")
        left = np.flatnonzero(self.step == STEPS.index(step))
        return self.customer_id.take(left)

    def trials(self, *, level: float = 0.95, power: float = 0.8) -> pd.DataFrame:
        """Return what the trial of each action can show, stated before it begins.

        One row per action that is tried: customers, held_out, share, `detectable` (the smallest
        effect it shows with this power, as a share of the mean outcome), expected (the effect
        counted on, likewise; NaN without a price), ends.
        """
        rows = self.rows
        rows = rows[rows["arm"].isin(("treated", "held_out"))]
        parts = rows.groupby("action", observed=True, sort=True)
        found = parts.agg(
            customers=("action", "size"),
            share=("held_out_share", "mean"),
            ends=("trial_end", "max"),
        )
        found["held_out"] = (rows["arm"] == "held_out").groupby(rows["action"]).sum()
        found["detectable"] = _kernel.detectable_effect(
            found["customers"].to_numpy(dtype=np.float64),
            found["share"].to_numpy(dtype=np.float64),
            np.full(len(found), self.cv),
            level,
            power,
        )
        effect = (rows["expected_gain"] + rows["cost"]).groupby(rows["action"]).mean()
        found["expected"] = effect / parts["expected_value"].mean()
        order = ["customers", "held_out", "share", "detectable", "expected", "ends"]
        return found[order].reset_index()

    def describe(self, language: Language = "en") -> tuple[str, ...]:
        """Return in a sentence or two what is to be done and what will be proven.

        Parameters
        ----------
        language : {"en", "zh"}, default "en"
            Display language.
        """
        rows = self.rows
        plan = replace(self, written=rows)
        trials = plan.trials()
        never = int((rows["arm"] == "never_treated").sum())
        held = int(trials["held_out"].sum())
        todo = rows["arm"].isin(DOING) & (rows["status"] == "open")
        leaving = rows["stance"] == Stance.LET_GO
        words = {"todo": count(int((todo & ~leaving).sum())), "held": count(held + never)}
        if held:
            ends = trials["ends"].max().date()
            apart = WORDS["never_tried"].text(language).format(n=f"{never:,}") if never else ""
            said = [WORDS["to_do"].text(language).format(ends=ends, never=apart, **words)]
        else:
            said = [WORDS["to_do_untried"].text(language).format(**words)]
        if (todo & leaving).any():
            let_go = count(int((todo & leaving).sum()))
            said.append(WORDS["to_let_go"].text(language).format(n=let_go))
        if rows["expected_gain"].isna().all():
            order = [name for name in ("at_stake", "expected_value") if rows[name].notna().any()]
            said += [WORDS["by_" + "_and_".join(order)].text(language)] if order else []
        return (*said, *plan._too_few(language))

    def _too_few(self, language: Language) -> tuple[str, ...]:
        found = self.too_small()
        if not len(found):
            return ()
        row = found.iloc[int(found["customers"].to_numpy().argmax())]
        names = {measure.id: measure.name.text(language) for measure in MeasureCatalog().measures}
        told = WORDS["too_few_soon" if row["trials"] <= _SOON else "too_few_one"].text(language)
        said = told.format(
            action=names.get(row["action"], row["action"]),
            n=f"{row['customers']:,}",
            needed=f"{row['needed']:,}",
            trials=count(int(row["trials"])),
        )
        if len(found) > 1:
            others = WORDS["and_others"].text(language)
            said = others.format(first=said, n=count(len(found) - 1))
        return (WORDS["too_few"].text(language).format(names=said),)

    def too_small(
        self, *, effect: float = 0.25, level: float = 0.95, power: float = 0.8
    ) -> pd.DataFrame:
        """Return the actions that are not tried, because their customers are too few.

        A trial of them would show nothing smaller than the whole of what a customer brings. One row
        per action: customers, needed (customers, treated and held out, that show an `effect`, as a
        share of the mean outcome) and trials (of this size, read together, that make as many).
        """
        rows = self.rows[(self.rows["arm"] == "not_proven") & self.rows["held_out_share"].notna()]
        parts = rows.groupby("action", observed=True, sort=True)
        found = parts.agg(customers=("action", "size"), share=("held_out_share", "mean"))
        share = found.pop("share").to_numpy(dtype=np.float64)
        one = _kernel.detectable_effect(
            np.ones(len(found)), share, np.full(len(found), self.cv), level, power
        )
        found["needed"] = np.ceil((one / effect) ** 2).astype(np.int64)
        found["trials"] = -(-found["needed"] // found["customers"])
        return found.reset_index()

    @classmethod
    def from_frame(cls, frame: pd.DataFrame) -> Self:
        """Return a plan from its frame or file, as somebody may have edited it.

        Raises
        ------
        SchemaError
            If a column is missing or a status is none of "open", "done", "declined", "snoozed",
            "closed".
        """
        missing = [name for name in COLUMNS if name not in frame]
        if missing:
            raise SchemaError(
                f"a plan without {missing[:5]}",
                rule="a plan is read back with all of its columns",
                fix="give plan.csv of an earlier run; edit cells, not columns",
            )
        rows = frame[list(COLUMNS)].reset_index(drop=True)
        for name in DAYS:
            rows[name] = pd.to_datetime(rows[name].replace("", None)).astype("datetime64[s]")
        for name in NUMBERS:
            rows[name] = pd.to_numeric(rows[name].replace("", None)).astype(np.float64)
        rows["attempts"] = pd.to_numeric(rows["attempts"]).astype(np.int64)
        rows["holdout"] = rows["holdout"].astype(str).str.lower() == "true"
        rows["status"] = rows["status"].fillna("").astype(str).str.strip().replace("", "open")
        for name, known in (("status", STATUSES), ("arm", ARMS)):
            strange = sorted(set(rows[name]) - set(known))
            if strange:
                raise SchemaError(
                    f"{name} is {strange[:3]}", rule=f"one of {', '.join(known)}", where="plan.csv"
                )
        return cls(
            written=rows,
            source=None,
            customer_id=pd.Index(rows["customer_id"]),
            step=np.where(rows["holdout"], STEPS.index("held_out"), 0).astype(np.int8),
        )
