"""The headline numbers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np

from retainkit.churn import StateTable
from retainkit.metrics import (
    METRIC_DEFINITIONS,
    MetricTable,
    MetricValue,
)
from retainkit.report.page._blocks import (
    UNDEFINED,
    Card,
    Cards,
    Paragraph,
    Section,
    write_money,
    write_number,
)
from retainkit.report.page._plan import last_plan
from retainkit.report.page._texts import Facts, Texts, share_of

_QUIET = StateTable.states.index("quiet")


def describe_headline(facts: Facts) -> Section:
    """Return the cards at the top of the report."""
    cards = (
        _customers(facts),
        _key(facts),
        _top_20(facts),
        *_rates(facts),
        *_gone(facts),
        *_ended(facts),
        _rows(facts),
    )
    language, review = facts.texts.language, facts.result.review
    said = [
        *facts.result.trust(language),
        *(one.words(language) for one in facts.result.contradictions),
        *facts.result.ledger.notes(language),
        *(review.describe(language)[:1] if review else ()),
    ]
    told = (*map(Paragraph, said), *last_plan(facts))
    return Section("headline", facts.texts("headline"), (Cards(cards), *told))


def _customers(facts: Facts) -> Card:
    texts, history = facts.texts, facts.result.history
    if facts.from_contracts:
        running = write_number(int((facts.result.churn.p_churned == 0.0).sum()))
        detail = texts("card_customers_running", running=running)
        return Card(texts("customers"), write_number(len(history)), (detail,))
    repeat = int(np.count_nonzero(history.frequency > 0))
    share = texts.share(share_of(repeat, len(history)))
    detail = texts("card_customers", repeat=write_number(repeat), share=share)
    return Card(texts("customers"), write_number(len(history)), (detail,))


def _key(facts: Facts) -> Card:
    result, texts = facts.result, facts.texts
    worth = [(facts.so_far, result.pyramid)]
    if facts.graded_apart:
        worth.append((facts.graded, result.value_pyramid))
    values = [
        texts("card_key_value", share=texts.share(float(pyramid.value_share[0])), value=name)
        for name, pyramid in worth
        if pyramid.total > 0
    ]
    heads = texts("card_key_heads", share=texts.share(float(result.pyramid.customer_share[0])))
    label = texts.label(result.pyramid.labels[0])
    return Card(label, write_number(result.pyramid.customers[0]), (heads, *values))


def _top_20(facts: Facts) -> Card:
    texts, whale = facts.texts, facts.result.whale
    if facts.top_20.value is None or facts.behind_80.value is None:
        detail = texts("card_top_undefined", total=write_money(whale.total))
        return Card(texts("card_top"), UNDEFINED, (detail,))
    heads = texts.share(facts.behind_80.value)
    detail = texts("card_top_detail", value=facts.so_far, heads=heads)
    return Card(texts("card_top"), texts.share(facts.top_20.value), (detail,))


def _rates(facts: Facts) -> Iterator[Card]:
    result, texts = facts.result, facts.texts
    window = write_number(result.metrics.convention.window_days)
    bought = texts("card_window", days=window)
    if facts.from_contracts:
        for name in ("retention_rate", "churn_rate", "net_revenue_retention"):
            label = texts.label(METRIC_DEFINITIONS[name].label)
            yield _rate(result.metrics, name, texts, label)
        return
    for name in ("retention_rate", "churn_rate", "repeat_rate"):
        note = () if name == "repeat_rate" else (bought,)
        label = texts.label(METRIC_DEFINITIONS[name].label)
        yield _rate(result.metrics, name, texts, label, note)
    if result.contract_metrics is not None:
        metric = texts.label(METRIC_DEFINITIONS["retention_rate"].label)
        label = texts("card_contract", metric=metric)
        yield _rate(result.contract_metrics, "retention_rate", texts, label)


def _rate(
    table: MetricTable, name: str, texts: Texts, label: str, notes: tuple[str, ...] = ()
) -> Card:
    value = table.get(name)
    first, last = period_days(table)
    details = (explain_rate(value, texts), texts("card_period", first=first, last=last), *notes)
    return Card(label, texts.share(value.value), details)


def explain_rate(value: MetricValue, texts: Texts) -> str:
    """Return the interval of a rate, or why there is no rate."""
    if value.reason is not None:
        return texts("not_computed_because", reason=texts.word("why", value.reason))
    if value.interval is None:
        return f"{write_number(value.numerator)} / {write_number(value.denominator)}"
    level = texts("interval", level=texts.share(value.interval.level, 0))
    return f"{level} {texts.range(value.interval.lower, value.interval.upper)}"


def period_days(table: MetricTable) -> tuple[str, str]:
    """Return the first and the last day of the period, both inside it."""
    period = table.period
    return str(period.start), str(period.end - timedelta(days=1))


def _gone(facts: Facts) -> Iterator[Card]:
    """Give who is gone by its state; where leaving is seen, the card of ended contracts says it."""
    texts, states = facts.texts, facts.result.scores.states
    if facts.from_contracts:
        return
    if not states.scheme.uses("gone") and not states.is_lost.any():
        unknown = (texts("card_gone_unknown"), texts("card_gone_churn"))
        yield Card(texts("card_gone"), UNDEFINED, unknown)
        return
    gone, quiet = int(states.is_lost.sum()), int((states.state == _QUIET).sum())
    share = texts.share(share_of(gone, len(states)))
    window = write_number(states.scheme.window_days)
    details = (
        texts("card_gone_detail", share=share, days=window),
        texts("card_quiet_detail", n=write_number(quiet)),
        texts("card_gone_churn"),
    )
    yield Card(texts("card_gone"), write_number(gone), details)


def _ended(facts: Facts) -> Iterator[Card]:
    texts, churn = facts.texts, facts.result.contract_churn
    if churn is not None:
        gone = int(churn.churned.sum())
        share = texts.share(share_of(gone, len(churn)))
        detail = texts("card_ended_detail", share=share, n=write_number(len(churn)))
        yield Card(texts("card_ended"), write_number(gone), (detail,))


def _rows(facts: Facts) -> Card:
    counts = dict.fromkeys(("input", "accepted", "rejected", "excluded"), 0)
    table = "contracts" if facts.from_contracts else "transactions"
    for entry in facts.result.ledger.entries:
        if entry.table == table and entry.kind in counts:
            counts[entry.kind] += entry.rows
    detail = facts.texts(
        "card_rows_detail",
        rows=write_number(counts["input"]),
        rejected=write_number(counts["rejected"]),
        excluded=write_number(counts["excluded"]),
    )
    label = "card_rows_contracts" if facts.from_contracts else "card_rows_transactions"
    return Card(facts.texts(label), write_number(counts["accepted"]), (detail,))
