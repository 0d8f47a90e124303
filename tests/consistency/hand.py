"""A whole run written out by hand with the rooms' public functions."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from retainkit.churn import (
    attribute_causes,
    code_texts,
    detect_churn,
    detect_contract_churn,
    fit_evidence_model,
    gather_evidence,
    summarize_causes,
)
from retainkit.errors import NotComputableError
from retainkit.forecast import ForecastModel, fit_forecast
from retainkit.lifetime import fit_mbg_nbd
from retainkit.metrics import build_cohorts, compute_metrics, index_contracts, tabulate_metrics
from retainkit.pipeline import PipelineConfig
from retainkit.policy import assess_potential, decide_actions
from retainkit.scorecard import build_scorecard, measure_tables
from retainkit.tables import (
    Ledger,
    align_customer_ids,
    split_valid_activities,
    split_valid_contracts,
    split_valid_customers,
    split_valid_events,
    split_valid_surveys,
    split_valid_transactions,
)
from retainkit.tiers import (
    TierTable,
    assess_standing,
    assign_tiers,
    fit_lifecycle_scheme,
    fit_tier_scheme,
    lifecycle_stage,
    tier_pyramid,
    whale_curve,
)
from retainkit.value import (
    CustomerSummary,
    allocate_costs,
    compose_potential,
    fit_margin,
    fit_rfm_scheme,
    fit_value_scheme,
    margin_rates,
    measure_wallet,
    score_rfm,
    score_value,
    summarize_behavior,
    summarize_customers,
)

SPLITS: dict[str, Any] = {
    "customers": split_valid_customers,
    "contracts": split_valid_contracts,
    "events": split_valid_events,
    "surveys": split_valid_surveys,
    "activities": split_valid_activities,
}


def read_all(
    transactions: pd.DataFrame, given: dict[str, Any], config: PipelineConfig
) -> tuple[dict[str, Any], Ledger]:
    """Split every table into valid rows and ledger."""
    as_of, rules = given["as_of"], config.rules
    valid: dict[str, Any] = dict.fromkeys(SPLITS)
    valid["transactions"], ledger = split_valid_transactions(
        transactions, rules=rules.transactions, as_of=as_of
    )
    ledgers = [ledger]
    for name, split in SPLITS.items():
        if given.get(name) is None:
            continue
        dated = {} if name == "customers" else {"as_of": as_of}
        if name == "customers":
            dated = {"columns": given["customer_columns"]}
        valid[name], ledger = split(given[name], rules=getattr(rules, name), **dated)
        ledgers.append(ledger)
    return valid, Ledger.combine(*ledgers)


def facts_by_hand(
    customers: pd.DataFrame | None, history: CustomerSummary, given: dict[str, Any]
) -> dict[str, Any]:
    """Return standing, kind and background of each customer with plain pandas."""
    if customers is None:
        return {"standing": None, "is_business": None, "background": None}
    rows = customers.set_index("customer_id").reindex(history.customer_id)
    flags = rows[list(given["customer_columns"].strategic_flags)].astype(float)
    return {
        "standing": assess_standing(customers, customer_id=history.customer_id),
        "is_business": (rows["kind"] == "business").to_numpy(dtype=bool),
        "background": flags.sum(axis=1, skipna=False).to_numpy(),
    }


def run_by_hand(
    transactions: pd.DataFrame, given: dict[str, Any], config: PipelineConfig
) -> dict[str, pd.DataFrame | None]:
    """Return every table of a run, by name."""
    tables, ledger = read_all(transactions, given, config)
    as_of = given["as_of"]
    history = summarize_customers(
        tables["transactions"], as_of=as_of, unit=config.unit, collapse=config.collapse
    )
    if tables["activities"] is not None and config.activity_rates:
        rates = {entry.activity: entry.rate for entry in config.activity_rates}
        history = history.with_costs(allocate_costs(tables["activities"], rates=rates, as_of=as_of))
    facts = facts_by_hand(tables["customers"], history, given)
    learnt = fit_forecast(
        tables["transactions"],
        as_of=as_of,
        horizon_days=config.horizon_days,
        lifetime=fit_mbg_nbd(history, config=config.lifetime),
        config=config.forecast,
    )
    facts |= habits_by_hand(tables, history, config)
    scored = score_by_hand(history, facts, learnt, config)
    churn = scored["churn"]
    out: dict[str, Any] = {**scored, "contract_churn": None, "contract_metrics": None}
    if tables["contracts"] is not None:
        churn = detect_contract_churn(tables["contracts"], as_of=as_of)
        out["contract_churn"] = churn
        index = index_contracts(tables["contracts"], as_of=as_of)
        out["contract_metrics"] = tabulate_metrics(index, by=tiers_of(scored["tiers"]))
    out |= {"causes": None, "breakdown": None}
    if tables["events"] is not None:
        events = tables["events"]
        evidence = gather_evidence(
            code_texts(events) if "text" in events else events,
            churn=churn,
            as_of=as_of,
            **{name: tables[name] for name in ("contracts", "customers", "surveys")},
        )
        causes = attribute_causes(evidence, churn=churn)
        with suppress(NotComputableError):  # too few losses: the rules stand
            causes = fit_evidence_model(causes).apply(causes)
        places = align_customer_ids(causes.customer_id, history.customer_id)
        worth = np.where(places >= 0, history.contribution[places], np.nan)
        out |= {"causes": causes, "breakdown": summarize_causes(causes, value=worth)}
    out |= measure_by_hand(tables, out, history, as_of)
    out["ledger"] = ledger
    return {name: None if table is None else table.to_frame() for name, table in out.items()}


def habits_by_hand(
    tables: dict[str, Any], history: CustomerSummary, config: PipelineConfig
) -> dict[str, Any]:
    """Return rhythm, trend, breadth and share of wallet; None where they are not looked at."""
    customers = tables["customers"]
    known = customers is not None and customers.get("category_spending", pd.Series()).notna().any()
    if not known:
        return dict.fromkeys(("last_gap", "trend", "breadth", "wallet", "behavior"))
    behavior = summarize_behavior(
        tables["transactions"], as_of=history.as_of, unit=config.unit, collapse=config.collapse
    )
    wallet = measure_wallet(behavior, customers, age_days=history.with_unit("day").age)
    return {
        "last_gap": behavior.last_gap,
        "trend": behavior.trend_beyond_base,
        "breadth": behavior.lines.effective if behavior.lines else None,
        "wallet": wallet.share,
        "behavior": behavior,
    }


def tiers_of(tiers: TierTable) -> pd.Series[Any]:
    """Return the tier of each customer as metrics take it."""
    shown = tiers.to_frame()["tier"]
    labels = pd.Categorical(shown, categories=tiers.categories, ordered=True)
    return pd.Series(labels, index=tiers.customer_id)


def score_by_hand(
    history: CustomerSummary,
    facts: dict[str, Any],
    learnt: ForecastModel,
    config: PipelineConfig,
) -> dict[str, Any]:
    """Learn and score, room by room."""
    purchase = fit_mbg_nbd(history, config=config.lifetime)
    p_alive = purchase.p_alive(history)
    future = learnt.apply(
        history,
        margin_rate=margin_rates(history, fit_margin(history)),
        annual_discount_rate=config.annual_discount_rate,
    ).expected_value
    if facts["behavior"] is not None:
        future = compose_potential(future, facts["behavior"]).total
    background, is_business = facts["background"], facts["is_business"]
    given = {"future_value": future, "background": background}
    given["business_breadth"] = facts["breadth"]
    scheme = fit_value_scheme(history, **given, config=config.value)
    value = score_value(history, scheme, **given, is_business=is_business)
    graded = value.contribution if config.tier_basis == "contribution" else future
    cuts = fit_tier_scheme(graded, config=config.tiers)
    ids = history.customer_id
    tiers = assign_tiers(graded, cuts, customer_id=ids, standing=facts["standing"])
    churn = detect_churn(p_alive, customer_id=ids, never=history.occasions == 0)
    potential = assess_potential(
        graded,
        cuts,
        customer_id=ids,
        tier=tiers.value_tier,
        share_of_wallet=facts["wallet"],
        trend=facts["trend"],
        strategic=None if is_business is None else is_business & (background > 0),
    )
    rhythm = fit_lifecycle_scheme(history)
    return {
        "history": history,
        "value": value,
        "rfm": score_rfm(history, fit_rfm_scheme(history)),
        "lifecycle": lifecycle_stage(
            history,
            rhythm,
            p_alive=p_alive,
            spending_trend=facts["trend"],
            last_gap=facts["last_gap"],
            customer_id=ids,
        ),
        "tiers": tiers,
        "churn": churn,
        "potential": potential,
        "policy": decide_actions(tiers, potential=potential, churn=churn, value=value),
    }


def measure_by_hand(
    tables: dict[str, Any], scored: dict[str, Any], history: CustomerSummary, as_of: Any
) -> dict[str, Any]:
    """Return pyramids, curve, metrics, cohorts and scorecard."""
    tiers, transactions = scored["tiers"], tables["transactions"]
    metrics = compute_metrics(transactions, as_of=as_of, by=tiers_of(tiers))
    pyramid = tier_pyramid(tiers, value=history.contribution)
    whale = whale_curve(history.contribution)
    worth = scored["value"].future_potential
    known = worth[~np.isnan(worth)]
    shown: dict[str, Any] = {
        "retention_rate": metrics.get("retention_rate"),
        "average_revenue_per_customer": metrics.get("average_revenue_per_customer"),
        "premium_customers": float(pyramid.customers[0]),
        "customer_lifetime_value": math.fsum(known) / len(known),
    }
    if history.profit is not None:
        shown["profit_per_customer"] = whale.total / whale.n
        shown["unprofitable_share"] = float(np.mean(history.contribution < 0))
    if history.breadth is not None:
        shown["products_per_customer"] = float(np.mean(history.breadth))
    held = measure_tables(
        period=metrics.period,
        **{name: tables[name] for name in ("customers", "events", "surveys")},
    )
    return {
        "pyramid": pyramid,
        "value_pyramid": tier_pyramid(tiers),
        "whale": whale,
        "metrics": metrics,
        "cohorts": build_cohorts(transactions, as_of=as_of),
        "scorecard": build_scorecard({**held, **shown}, as_of=history.as_of),
    }
