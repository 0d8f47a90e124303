"""A whole run written out by hand with the rooms' public functions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from retainkit._pipeline._circumstances import (
    days_to_renewal,
    read_cause,
    read_channel,
    read_contact,
    read_open_complaints,
    read_recoverable,
    tell_circumstances,
)
from retainkit._pipeline._facts import CustomerFacts, read_records
from retainkit._pipeline._folds import known_by
from retainkit._pipeline._models import Predictions
from retainkit._pipeline._rises import chance_to_rise, learn_rises_of
from retainkit._pipeline._small_check import check_small
from retainkit._pipeline._states import last_year, least_last_gap, tell_situation
from retainkit._pipeline._value_by_state import adjust_values, fit_value_by_state
from retainkit.churn import (
    StateFacts,
    assign_states,
    attribute_causes,
    code_texts,
    detect_churn,
    detect_contract_churn,
    fit_evidence_model,
    fit_state_scheme,
    gather_evidence,
    list_contract_spells,
    summarize_causes,
)
from retainkit.contracts import list_charges, read_contract_state
from retainkit.contracts._spells import NO_DAY
from retainkit.errors import NotComputableError
from retainkit.forecast import (
    ForecastModel,
    ForecastTable,
    fit_renewal_model,
    forecast_contracts,
    join_forecasts,
)
from retainkit.forecast._from_tables import learn_forecast
from retainkit.forecast._outlook import forecast_at_last
from retainkit.lifetime import fit_mbg_nbd
from retainkit.metrics import build_cohorts, compute_metrics, index_contracts, index_purchases
from retainkit.pipeline import PipelineConfig, RetentionPipeline, TableRules
from retainkit.policy import DecisionTable, Outlook, assess_potential, decide_actions
from retainkit.scorecard import build_scorecard, measure_tables
from retainkit.tables import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    Ledger,
    SurveyColumns,
    align_customer_ids,
    split_valid_table,
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
    decompose_profit,
    fit_margin,
    fit_rfm_scheme,
    fit_value_scheme,
    measure_wallet,
    net_margin_rates,
    score_rfm,
    score_value,
    summarize_behavior,
    summarize_customers,
)

SPLITS: dict[str, Any] = {
    "customers": CustomerColumns(),
    "contracts": ContractColumns(),
    "events": EventColumns(),
    "surveys": SurveyColumns(),
    "activities": ActivityColumns(),
}

DATED = ("transactions", "contracts", "events", "surveys")


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
    for name, columns in SPLITS.items():
        if given.get(name) is None:
            continue
        if name == "customers":
            columns = given["customer_columns"] or columns
        valid[name], ledger = split_valid_table(
            given[name], columns, rules=getattr(rules, name), as_of=as_of
        )
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
    learnt, past, earlier = learn_forecast(
        tables["transactions"],
        as_of=as_of,
        horizon_days=config.horizon_days,
        lifetime=fit_mbg_nbd(history, config=config.lifetime),
        config=config.forecast,
    )
    ahead = forecast_by_hand(tables, history, learnt, config)
    facts |= habits_by_hand(tables, history, config)
    facts |= states_by_hand(tables, history, learnt, past, config)
    facts |= {"learnt": learnt, "past": earlier, "contracts": tables["contracts"] is not None}
    scored = score_by_hand(history, facts, ahead, config)
    then = groups_by_hand(given, tables, config)
    churn = scored["churn"]
    out: dict[str, Any] = {**scored, "contract_churn": None, "contract_metrics": None}
    if tables["contracts"] is not None:
        churn = detect_contract_churn(tables["contracts"], as_of=as_of)
        out["contract_churn"] = churn
        index = index_contracts(tables["contracts"], as_of=as_of)
        out["contract_metrics"] = compute_metrics(index, by=then(index.customer_id))
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
    out["policy"] = decide_by_hand(tables, out, facts, learnt, past, ahead, config)
    out |= measure_by_hand(tables, out, history, as_of, then)
    out["ledger"] = ledger
    return {name: None if table is None else table.to_frame() for name, table in out.items()}


def forecast_by_hand(
    tables: dict[str, Any], history: CustomerSummary, learnt: ForecastModel, config: PipelineConfig
) -> ForecastTable:
    """Forecast purchases; where there are contracts too, let renewals decide for those who run."""
    margin = fit_margin(history)
    bought = learnt.apply(
        history,
        margin_rate=net_margin_rates(history, margin),
        annual_discount_rate=config.annual_discount_rate,
    )
    contracts = tables["contracts"]
    if contracts is None:
        return bought
    spells = list_contract_spells(contracts, as_of=history.as_of)
    terms = contracts.get("term_months", pd.Series(1.0, contracts.index)).fillna(1).clip(lower=1)
    today = (pd.Timestamp(history.as_of) - pd.Timestamp(0)).days
    renewal = fit_renewal_model(
        spells.start_day,
        np.where(spells.ended, spells.end_day, np.nan),
        as_of_day=today,
        horizon_days=config.horizon_days,
        term_months=terms.to_numpy().astype(np.int64)[spells.last_contract],
        customer=spells.customer,
    )
    state = read_contract_state(contracts, as_of=history.as_of)
    charged = forecast_contracts(
        renewal,
        state,
        as_of=history.as_of,
        horizon_days=config.horizon_days,
        margin_rate=margin.net_rate,
        annual_discount_rate=config.annual_discount_rate,
    )
    place = align_customer_ids(history.customer_id, state.customer_id)
    return join_forecasts(
        bought,
        charged,
        place=place,
        running=(place >= 0) & state.is_in("running")[place],
        add_charges=charges_are_apart(contracts, tables["transactions"], history.as_of),
    )


def charges_are_apart(contracts: pd.DataFrame, transactions: pd.DataFrame, as_of: Any) -> bool:
    """Return whether fewer than half of the charges are found among the transactions."""

    def keys(rows: pd.DataFrame) -> pd.DataFrame:
        month = rows["timestamp"].dt.to_period("M")
        return pd.DataFrame(
            {"who": rows["customer_id"], "month": month, "cents": (rows["amount"] * 100).round()}
        )

    due, paid = keys(list_charges(contracts, as_of=as_of)), keys(transactions).drop_duplicates()
    return len(due.merge(paid)) < 0.5 * len(due)


def states_by_hand(
    tables: dict[str, Any],
    history: CustomerSummary,
    learnt: ForecastModel,
    past: Any,
    config: PipelineConfig,
) -> dict[str, Any]:
    """Return the state of each customer, and last year's money."""
    assert learnt.activity is not None
    scheme = fit_state_scheme(
        past,
        window_days=learnt.activity.window_days,
        base_gap=learnt.activity.base_gap,
        config=config.states,
    )
    on_record = None if tables["events"] is None else read_records(tables["events"], history)
    if tables["contracts"] is not None:
        state = read_contract_state(tables["contracts"], as_of=history.as_of)
        place = align_customer_ids(history.customer_id, state.customer_id)
        on_record = (on_record or StateFacts())._replace(
            contract_status=np.where(place >= 0, state.status[place], -1).astype(np.int8),
            contract_ended_on=np.where(place >= 0, state.ended_on[place], NO_DAY),
        )
    states = assign_states(
        learnt.read_activity(history),
        scheme,
        as_of=history.as_of,
        customer_id=history.customer_id,
        facts=on_record,
    )
    money = last_year(history, fit_margin(history))
    return {"states": states, "last_year": money}


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


def groups_by_hand(
    given: dict[str, Any], tables: dict[str, Any], config: PipelineConfig
) -> Callable[[pd.Index[Any]], pd.Series[Any]]:
    """Return what labels customers by the tier that a run 91 days earlier gave them."""
    day = (pd.Timestamp(given["as_of"]) - pd.Timedelta(days=91)).date()
    known: dict[str, Any] = dict(
        known_by({n: tables[n] for n in DATED if tables[n] is not None}, day)
    )
    quiet = config.replace(look_back=False, activity_rates=(), rules=TableRules())
    earlier = RetentionPipeline(quiet).run(as_of=day, **known)
    shown = earlier.customers.to_frame().set_index("customer_id")
    group = shown["tier"].astype(str)
    lost = {"gone": "gone_then", "ended": "ended_then"}
    group = group.where(group != "lost", shown["state"].astype(str).map(lost))
    names = ("key", "ordinary", "small", "bad", "gone_then", "ended_then", "entrants")

    def label(ids: pd.Index[Any]) -> pd.Series[Any]:
        found = group.reindex(ids).fillna("entrants")
        return pd.Series(pd.Categorical(found, categories=names, ordered=True), index=ids)

    return label


def score_by_hand(
    history: CustomerSummary,
    facts: dict[str, Any],
    ahead: ForecastTable,
    config: PipelineConfig,
) -> dict[str, Any]:
    """Learn and score, room by room."""
    purchase = fit_mbg_nbd(history, config=config.lifetime)
    p_alive = purchase.p_alive(history)
    if not facts["contracts"]:
        ahead = gone_by_hand(ahead, p_alive, facts, config)
    future = ahead.expected_value
    if facts["behavior"] is not None:
        future = compose_potential(future, facts["behavior"]).total
    background, is_business = facts["background"], facts["is_business"]
    given = {"future_value": future, "background": background}
    given["business_breadth"] = facts["breadth"]
    scheme = fit_value_scheme(history, **given, config=config.value)
    value = score_value(history, scheme, **given, is_business=is_business)
    graded = value.contribution if config.tier_basis == "contribution" else future
    if config.tier_basis == "expected_value" and ahead.ranks == "no":
        graded = value.historical_contribution
    states, spent = facts["states"], facts["last_year"]
    cuts = fit_tier_scheme(graded[states.is_current], config=config.tiers)
    ids = history.customer_id
    former = assign_tiers(spent, fit_tier_scheme(spent[states.is_current], config=config.tiers))
    tiers = assign_tiers(graded, cuts, customer_id=ids, standing=facts["standing"])
    tiers = tiers.with_lost(states.is_lost, former.value_tier)
    churn = detect_churn(p_alive, customer_id=ids, never=history.occasions == 0)
    potential = assess_potential(
        graded,
        cuts,
        customer_id=ids,
        tier=tiers.value_tier,
        share_of_wallet=facts["wallet"],
        trend=facts["trend"],
        strategic=None if is_business is None else is_business & (background > 0),
        **rises_by_hand(history, facts, tiers, config),
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
            last_gap=least_last_gap(history) if facts["last_gap"] is None else facts["last_gap"],
            state=states.state,
            customer_id=ids,
        ),
        "tiers": tiers,
        "churn": churn,
        "potential": potential,
    }


def gone_by_hand(
    ahead: ForecastTable, p_alive: Any, facts: dict[str, Any], config: PipelineConfig
) -> ForecastTable:
    """Return the forecast with what is expected of the gone set right."""
    states = facts["states"]
    told = Predictions(
        p_alive=p_alive,
        churn=detect_churn(p_alive, customer_id=ahead.customer_id),
        forecast=ahead,
        future_value=ahead.expected_value,
        activity=states.activity,
    )
    learnt = fit_value_by_state(facts["past"], states.scheme, told)
    found = adjust_values(told, learnt, states.scheme, None, config).forecast
    assert found is not None
    return found


def rises_by_hand(
    history: CustomerSummary, facts: dict[str, Any], tiers: TierTable, config: PipelineConfig
) -> dict[str, Any]:
    """Return each customer's chance to rise, and how such calls held on earlier days."""
    basis, scheme = config.tier_basis, facts["states"].scheme
    model, check = learn_rises_of(facts["past"], basis, scheme, config)
    if model is None:
        return {"check": check}
    chance, usual = chance_to_rise(facts["learnt"], model, history, tiers, basis, check.window_days)
    share = model.whole.share_rose
    return {"probability": chance, "usual": usual, "share_rose": share, "check": check}


def decide_by_hand(
    tables: dict[str, Any],
    found: dict[str, Any],
    facts: dict[str, Any],
    learnt: ForecastModel,
    past: Any,
    ahead: ForecastTable,
    config: PipelineConfig,
) -> DecisionTable:
    """Decide from what was found, with what each action depends on beside the stance."""
    history, states, events = found["history"], facts["states"], tables["events"]
    ids, rows = history.customer_id, tables["transactions"]
    numbered = rows.assign(customer_id=ids.get_indexer(rows["customer_id"]))
    loss_reason = None
    with suppress(NotComputableError):
        loss_reason = decompose_profit(rows, history).loss_reason
    renewal = None
    if tables["contracts"] is not None:
        state = read_contract_state(tables["contracts"], as_of=history.as_of)
        renewal = np.append(days_to_renewal(state), np.nan)[
            align_customer_ids(ids, state.customer_id)
        ]
    known = CustomerFacts(
        customer_id=ids,
        loss_reason=loss_reason,
        contact=read_contact(tables["customers"], events, ids),
        complaint_since=None if events is None else read_open_complaints(events, ids),
        cause=read_cause(found["causes"], ids),
        recoverable=read_recoverable(found["causes"], ids),
        channel=read_channel(numbered, len(ids)),
        days_to_renewal=renewal,
    )
    margin = net_margin_rates(history, fit_margin(history))
    then, worth = forecast_at_last(
        learnt, history, margin_rate=margin, annual_discount_rate=config.annual_discount_rate
    )
    now, shown = ahead.p_active, states.to_frame()["state"]
    fell = np.maximum(np.maximum(then - np.nan_to_num(now), 0.0) * worth, 0.0)
    silent = shown.isin(["quiet", "gone", "ended"]).to_numpy()
    circumstances = tell_circumstances(history, states, found["lifecycle"], known)
    evidence = check_small(past, states.scheme, config.tiers).evidence(ahead.ranks)
    return decide_actions(
        found["tiers"],
        potential=found["potential"],
        churn=found["churn"],
        value=found["value"],
        situation=tell_situation(states, known, circumstances, None, evidence),
        outlook=Outlook(now, worth, np.where(silent, fell, np.nan)),
    )


def measure_by_hand(
    tables: dict[str, Any],
    scored: dict[str, Any],
    history: CustomerSummary,
    as_of: Any,
    then: Callable[[pd.Index[Any]], pd.Series[Any]],
) -> dict[str, Any]:
    """Return pyramids, curve, metrics, cohorts and scorecard."""
    tiers, transactions = scored["tiers"], tables["transactions"]
    metrics = compute_metrics(
        index_purchases(transactions, as_of=as_of), by=then(history.customer_id)
    )
    pyramid = tier_pyramid(tiers, value=history.contribution)
    whale = whale_curve(history.contribution)
    shown: dict[str, Any] = {
        "retention_rate": metrics.get("retention_rate"),
        "average_revenue_per_customer": metrics.get("average_revenue_per_customer"),
        "premium_customers": float(pyramid.customers[0]),
    }
    if history.profit is not None:
        if history.cost_to_serve is not None:
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
        "cohorts": build_cohorts(index_purchases(transactions, as_of=as_of)),
        "scorecard": build_scorecard({**held, **shown}, as_of=history.as_of),
    }
