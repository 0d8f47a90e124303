"""The section about the last run: its forecasts held against what came."""

from __future__ import annotations

from retainkit.churn._state import STATE_LABELS
from retainkit.report._blocks import Bullets, Section, tabulate
from retainkit.report._facts import Facts
from retainkit.report._numbers import write_number


def describe_review(facts: Facts) -> Section | None:
    """Return what the last run said and what came; None without a previous run."""
    review, texts = facts.result.review, facts.texts
    if review is None:
        return None
    rows = [
        (
            texts.label(STATE_LABELS[row["state"]]),
            write_number(row["customers"]),
            write_number(row["returned"]),
            texts.share(row["share"] if row["customers"] else None),
            texts({True: "review_held", False: "review_failed"}.get(row["holds"], "review_open")),
        )
        for row in review.states.to_dict("records")
    ]
    columns = (
        *((texts("review_state"), False), (texts("customers"), True)),
        *((texts("review_returned", days=write_number(review.state_days)), True),),
        *((texts("review_share"), True), (texts("review_claim"), False)),
    )
    table = tabulate(texts("review_states", made_on=review.made_on.isoformat()), columns, rows)
    return Section("review", texts("review"), (Bullets(review.describe(texts.language)), table))
