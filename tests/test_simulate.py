"""Simulated bases: the laws they were drawn from, the truth they carry, the dirt they take."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from retainkit import simulate, tables
from retainkit._simulate._config import CauseShare, SalesChannel
from retainkit.errors import AsOfError, NotComputableError, SchemaError

TABLES = ("transactions", "customers", "contracts", "events", "surveys", "activities", "truth")
AS_OF = pd.Timestamp("2024-12-31")


@pytest.fixture(scope="module")
def base() -> simulate.SimulatedBase:
    return simulate.make_customer_base(20_000, seed=11, as_of="2024-12-31")


def occasions(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per customer and day with a purchase, by pandas alone."""
    bought = frame[frame["amount"] > 0]
    grouped = bought.groupby(["customer_id", "timestamp", "order_id"], as_index=False)
    return grouped.agg(amount=("amount", "sum"))


# --- shape ---------------------------------------------------------------------------------


def test_every_table_has_the_columns_of_the_architecture(base: simulate.SimulatedBase) -> None:
    assert list(base.transactions.columns) == [
        "customer_id",
        "timestamp",
        "amount",
        "profit",
        "order_id",
        "business_line",
        "channel",
        "quantity",
    ]
    required = {
        "customers": {"customer_id", "kind", "credit_standing", "category_spending"},
        "contracts": {"customer_id", "start", "end", "amount", "plan", "paid", "end_reason"},
        "events": {
            *("customer_id", "timestamp", "kind", "code", "source"),
            *("text", "amount", "resolved_at"),
        },
        "surveys": {
            *("customer_id", "timestamp", "satisfaction", "perceived_value"),
            *("switching_cost", "likelihood_to_recommend"),
        },
        "activities": {"customer_id", "activity", "quantity", "timestamp", "channel"},
    }
    for name, columns in required.items():
        assert columns <= set(getattr(base, name).columns), name


@pytest.mark.parametrize("name", TABLES)
def test_ids_are_known_and_rows_are_numbered(base: simulate.SimulatedBase, name: str) -> None:
    frame: pd.DataFrame = getattr(base, name)
    assert frame["customer_id"].dtype == np.int64
    assert frame["customer_id"].between(1, len(base)).all()
    assert isinstance(frame.index, pd.RangeIndex)
    assert frame.index.start == 0


def test_one_customer_is_enough() -> None:
    base = simulate.make_customer_base(1, seed=0)
    assert len(base) == len(base.customers) == 1
    assert len(base.transactions) >= 1


def test_a_base_shows_itself_copies_and_pickles(base: simulate.SimulatedBase) -> None:
    assert repr(base) == "<SimulatedBase: 20,000 simulated customers; next: .transactions>"
    assert base.summary().set_index("table")["rows"].at["customers"] == 20_000
    frame = base.to_frame()
    frame["alive"] = False
    assert base.truth["alive"].any()
    again = pickle.loads(pickle.dumps(base))
    pd.testing.assert_frame_equal(again.transactions, base.transactions)


def test_every_table_is_valid_as_it_stands(base: simulate.SimulatedBase) -> None:
    """Nothing is rejected, excluded or rewritten by the rules of the tables room."""
    flags = ("strategic_public_sector", "strategic_key_technology")
    customers = tables.CustomerColumns(
        strategic_flags=flags, traits=("region",), protected_attributes=("age_band", "gender")
    )
    valid = {
        "transactions": tables.validate_transactions(base.transactions, as_of=base.as_of),
        "customers": tables.validate_table(base.customers, customers),
        "contracts": tables.validate_contracts(base.contracts, as_of=base.as_of),
        "events": tables.validate_table(base.events, tables.EventColumns(), as_of=base.as_of),
        "surveys": tables.validate_table(base.surveys, tables.SurveyColumns(), as_of=base.as_of),
        "activities": tables.validate_table(
            base.activities, tables.ActivityColumns(), as_of=base.as_of
        ),
    }
    for name, frame in valid.items():
        given: pd.DataFrame = getattr(base, name)
        if name == "customers":
            given = given.rename(columns={n: f"protected_{n}" for n in ("age_band", "gender")})
        pd.testing.assert_frame_equal(
            frame, given, check_like=True, check_categorical=False, obj=name
        )


# --- seeds ---------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_base_bit_for_bit() -> None:
    first, second = (simulate.make_customer_base(300, seed=5) for _ in range(2))
    for name in TABLES:
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


def test_another_seed_gives_another_base() -> None:
    first, second = (simulate.make_transactions(300, seed=seed) for seed in (5, 6))
    assert not first["amount"].head(100).equals(second["amount"].head(100))


def test_asking_for_more_tables_does_not_change_the_transactions() -> None:
    alone = simulate.make_transactions(300, seed=5)
    whole = simulate.make_customer_base(300, seed=5).transactions
    pd.testing.assert_frame_equal(alone, whole, check_exact=True)


def test_a_setting_of_one_table_leaves_the_others_alone() -> None:
    config = simulate.SimulationConfig(evidence_noise=0.0, surveyed_share=1.0)
    first = simulate.make_customer_base(300, seed=5)
    second = simulate.make_customer_base(300, seed=5, config=config)
    assert len(first.surveys) != len(second.surveys)
    for name in ("transactions", "customers", "activities", "truth"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(second, name), check_exact=True)


def test_the_global_generator_is_neither_read_nor_moved() -> None:
    np.random.seed(1)  # noqa: NPY002 -- the global generator is what is tested
    before: Any = np.random.get_state()  # noqa: NPY002
    first = simulate.make_customer_base(50, seed=5)
    after: Any = np.random.get_state()  # noqa: NPY002
    assert np.array_equal(before[1], after[1])
    assert before[2] == after[2]
    np.random.seed(2)  # noqa: NPY002
    second = simulate.make_customer_base(50, seed=5)
    pd.testing.assert_frame_equal(first.events, second.events)


# --- the laws ------------------------------------------------------------------------------


def test_rates_and_dropout_follow_their_gamma_and_beta_laws(base: simulate.SimulatedBase) -> None:
    """Kolmogorov-Smirnov against scipy's distributions, an independent implementation."""
    from scipy import stats

    law = base.config.purchases
    rates = stats.kstest(base.truth["purchase_rate"], stats.gamma(law.r, scale=1 / law.alpha).cdf)
    dropout = stats.kstest(base.truth["dropout_probability"], stats.beta(law.a, law.b).cdf)
    assert rates.pvalue > 0.001
    assert dropout.pvalue > 0.001


def test_spend_follows_the_gamma_gamma_law(base: simulate.SimulatedBase) -> None:
    """p / spend_mean is Gamma(q, rate gamma); an order's money over its mean is Gamma(p) / p."""
    from scipy import stats

    law = base.config.spend
    nu = law.p / base.truth["spend_mean"]
    assert stats.kstest(nu, stats.gamma(law.q, scale=1 / law.gamma).cdf).pvalue > 0.001
    orders = occasions(base.transactions)
    relative = orders["amount"] / base.truth["spend_mean"].to_numpy()[orders["customer_id"] - 1]
    assert relative.mean() == pytest.approx(1.0, abs=4 / np.sqrt(law.p * len(orders)))
    assert relative.var() == pytest.approx(1 / law.p, rel=0.05)


def test_histories_have_the_moments_of_the_model() -> None:
    """P(x = 0) and E[x] of MBG/NBD at age T, from the mixture by numerical integration.

    Given (rate, p): P(x = 0) = p + (1 - p) exp(-rate T), E[x] = (1 - p) / p (1 - exp(-rate p T)).
    """
    from scipy import integrate, stats

    r, alpha, a, b, age = 0.525, 6.183, 0.891, 1.614, 39.0
    made = simulate.make_purchase_histories(200_000, seed=3, age_range=(age, age))
    zero = a / (a + b) + b / (a + b) * (alpha / (alpha + age)) ** r

    def mean_given(p: float) -> float:
        factor = (1 - p) / p * (1 - (alpha / (alpha + p * age)) ** r)
        return float(factor * stats.beta.pdf(p, a, b))

    mean, _ = integrate.quad(mean_given, 0, 1, limit=200)
    assert mean == pytest.approx(1.1829537, abs=3e-3)  # Batislam et al. law at CDNOW's estimates
    n = len(made)
    assert np.mean(made.frequency == 0) == pytest.approx(zero, abs=4 * np.sqrt(zero / n))
    error = 4 * float(made.frequency.std()) / np.sqrt(n)
    assert made.frequency.mean() == pytest.approx(mean, abs=error)


def test_histories_recover_their_parameters_by_moments() -> None:
    """The true rates and dropouts beside the histories match r / alpha and a / (a + b)."""
    made = simulate.make_purchase_histories(200_000, seed=4, r=2.0, alpha=8.0, a=2.0, b=6.0)
    assert made.rate.mean() == pytest.approx(0.25, rel=0.01)
    assert made.rate.var() == pytest.approx(2.0 / 64.0, rel=0.02)
    assert made.dropout_probability.mean() == pytest.approx(0.25, rel=0.01)
    assert made.alive.mean() < 1.0


def test_dropping_out_is_possible_at_time_zero() -> None:
    """MBG: with p near 1 nobody lives past the first purchase; BG would see one repeat each."""
    made = simulate.make_purchase_histories(500, seed=1, r=50.0, alpha=1.0, a=1e6, b=1e-3)
    assert made.frequency.sum() == 0
    assert not made.alive.any()


@settings(deadline=None, derandomize=True, max_examples=30)
@given(
    seed=st.integers(0, 2**32),
    unit=st.sampled_from(["day", "week", "month"]),
    grid=st.sampled_from(["day", "none"]),
)
def test_histories_are_histories(seed: int, unit: Any, grid: Any) -> None:
    """0 <= recency <= age; recency is 0 exactly where frequency is 0."""
    made = simulate.make_purchase_histories(
        50, seed=seed, unit=unit, grid=grid, age_range=(20.0, 40.0)
    )
    assert made.unit == unit
    assert ((made.recency >= 0) & (made.recency <= made.age)).all()
    assert ((made.frequency == 0) == (made.recency == 0)).all()


def test_the_day_grid_holds_whole_days() -> None:
    made = simulate.make_purchase_histories(1000, seed=1)
    for days in (made.recency * 7, made.age * 7):
        assert np.allclose(days, np.round(days), atol=1e-9)
    exact = simulate.make_purchase_histories(1000, seed=1, grid="none")
    assert not np.allclose(exact.age * 7, np.round(exact.age * 7))


# --- truth and tables ----------------------------------------------------------------------


def test_nothing_is_known_after_as_of(base: simulate.SimulatedBase) -> None:
    for name in ("transactions", "events", "surveys", "activities"):
        assert getattr(base, name)["timestamp"].max() <= AS_OF, name
    assert base.contracts["end"].max() <= AS_OF
    assert base.events["resolved_at"].max() <= AS_OF
    assert base.as_of == AS_OF


def test_the_first_purchase_lies_in_the_joining_days(base: simulate.SimulatedBase) -> None:
    first = base.transactions.groupby("customer_id")["timestamp"].min()
    assert len(first) == len(base)
    assert first.min() >= AS_OF - pd.Timedelta(days=base.config.observed_days - 1)
    assert (first.max() - first.min()).days < base.config.joining_days


def test_who_left_made_the_last_purchase_on_the_dropout_day(base: simulate.SimulatedBase) -> None:
    last = occasions(base.transactions).groupby("customer_id")["timestamp"].max()
    truth = base.truth.set_index("customer_id")
    left = truth.index[~truth["alive"]]
    assert (last[left] == truth.loc[left, "dropout_day"]).all()
    assert (truth.loc[left, ["future_purchases", "future_profit"]] == 0).all(axis=None)
    alive = truth[truth["alive"]]
    assert (alive["dropout_day"].isna() | (alive["dropout_day"] > AS_OF)).all()


def test_the_future_holds_what_the_process_expects() -> None:
    """Given rate and p, who is alive buys (1 - exp(-rate p t)) / p more times in t on average."""
    config = simulate.SimulationConfig(
        purchases=simulate.PurchaseProcess(r=2.0, alpha=40.0, a=2.0, b=4.0)
    )
    truth = simulate.make_customer_base(50_000, seed=8, config=config).truth
    alive = truth[truth["alive"]]
    p = alive["dropout_probability"]
    expected = (1 - np.exp(-alive["purchase_rate"] * p * 365 / 7)) / p
    error = 4 * float(alive["future_purchases"].std()) / np.sqrt(len(alive))
    assert (alive["future_purchases"] - expected).mean() == pytest.approx(0.0, abs=error)


def test_customers_buy_once_a_day_at_most(base: simulate.SimulatedBase) -> None:
    orders = occasions(base.transactions)
    assert not orders.duplicated(["customer_id", "timestamp"]).any()
    assert orders["order_id"].is_unique


def test_every_leaver_has_one_true_cause_in_the_shares_asked_for(
    base: simulate.SimulatedBase,
) -> None:
    causes = base.truth["cause"]
    assert (causes.isna() == base.truth["alive"]).all()
    assert len(causes.cat.categories) == 8
    n = int(causes.notna().sum())
    for entry in base.config.causes:
        error = 4 * np.sqrt(entry.share * (1 - entry.share) / n)
        assert (causes == entry.code).sum() / n == pytest.approx(entry.share, abs=error)


def test_faults_and_retaliation_strike_the_dissatisfied(base: simulate.SimulatedBase) -> None:
    mood = base.truth.groupby("cause", observed=True)["satisfaction"].mean()
    assert mood["active.fault"] < mood["active.natural"] - 0.5
    assert mood["passive.retaliatory"] < mood["active.competitive"] - 0.5


def test_satisfaction_drives_staying_and_not_linearly(base: simulate.SimulatedBase) -> None:
    """The slope of dropout on satisfaction is steeper at both ends than in the middle."""
    edges = [-np.inf, -1.5, -0.5, 0.5, 1.5, np.inf]
    bins = pd.cut(base.truth["satisfaction"], edges, labels=False)
    grouped = base.truth.groupby(bins)[["dropout_probability", "satisfaction"]].mean()
    assert grouped["dropout_probability"].is_monotonic_decreasing
    free = simulate.make_customer_base(
        20_000, seed=11, config=simulate.SimulationConfig(satisfaction_strength=0.0)
    ).truth
    assert abs(free["satisfaction"].corr(free["dropout_probability"])) < 0.03


def test_clean_evidence_points_to_the_true_cause() -> None:
    """Without noise, kinds that prove a cause occur with that cause alone."""
    config = simulate.SimulationConfig(evidence_noise=0.0, silent_share=0.0)
    base = simulate.make_customer_base(5000, seed=2, config=config)
    events = base.events.merge(base.truth[["customer_id", "cause"]], on="customer_id")
    proofs = {
        "relocation": "active.natural",
        "port_out": "active.competitive",
        "dispute": "passive.retaliatory",
        "fraud": "passive.malicious",
        "product_retired": "administrative",
    }
    for kind, cause in proofs.items():
        concerned = events[events["kind"] == kind]
        assert len(concerned) > 0
        assert (concerned["cause"] == cause).all(), kind
    assert events["cause"].notna().all()


def test_some_leavers_leave_no_evidence_and_noise_misleads(base: simulate.SimulatedBase) -> None:
    left = base.truth.loc[~base.truth["alive"], "customer_id"]
    silent = ~left.isin(base.events["customer_id"])
    assert 0.05 < silent.mean() < 0.6
    events = base.events.merge(base.truth[["customer_id", "cause"]], on="customer_id")
    assert (events.loc[events["kind"] == "fraud", "cause"] != "passive.malicious").any()
    assert events["cause"].isna().any()  # stayers have events that mean nothing


def test_all_silent_and_no_noise_is_no_event_at_all() -> None:
    config = simulate.SimulationConfig(evidence_noise=0.0, silent_share=1.0)
    assert len(simulate.make_customer_base(500, seed=2, config=config).events) == 0


def test_a_failed_payment_that_means_nothing_is_recovered() -> None:
    config = simulate.SimulationConfig(evidence_noise=1.0, silent_share=1.0)
    events = simulate.make_customer_base(2000, seed=2, config=config).events
    failed = events[(events["kind"] == "payment_failed") & events["resolved_at"].notna()]
    recovered = events[events["kind"] == "payment_recovered"]
    keys = failed[["customer_id", "resolved_at"]].rename(columns={"resolved_at": "timestamp"})
    assert len(failed) == len(recovered) > 0
    assert len(keys.drop_duplicates().merge(recovered, on=["customer_id", "timestamp"])) > 0
    assert (failed["resolved_at"] > failed["timestamp"]).all()


def test_contracts_end_after_leaving_and_only_then(base: simulate.SimulatedBase) -> None:
    joined = base.contracts.merge(base.truth, on="customer_id")
    ended = joined["end"].notna()
    assert not joined.loc[ended, "alive"].any()
    assert (joined.loc[ended, "end"] > joined.loc[ended, "dropout_day"]).all()
    assert (joined["end_reason"].notna() == ended).all()
    passive = joined["cause"].astype("object").fillna("").str.startswith("passive")
    assert (joined["paid"] == ~passive).all()


def test_returns_mirror_a_purchase_of_the_same_order(base: simulate.SimulatedBase) -> None:
    back = base.transactions[base.transactions["amount"] < 0]
    share = len(back) / (len(base.transactions) - len(back))
    assert share == pytest.approx(base.config.return_share, rel=0.15)
    bought = base.transactions.loc[base.transactions["amount"] > 0, ["order_id", "amount"]]
    keys = set(zip(bought["order_id"], bought["amount"], strict=True))
    assert all(key in keys for key in zip(back["order_id"], -back["amount"], strict=True))


def test_profit_follows_the_margin_of_the_line(base: simulate.SimulatedBase) -> None:
    bought = base.transactions[base.transactions["amount"] > 1.0]
    sums = bought.groupby("business_line", observed=True)[["profit", "amount"]].sum()
    for line in base.config.business_lines:
        rate = float(sums["profit"][line.name] / sums["amount"][line.name])
        assert rate == pytest.approx(line.margin_rate, abs=0.01)


def test_heavy_users_of_service_cost_more_and_many_lose_money(
    base: simulate.SimulatedBase,
) -> None:
    costs = {entry.name: entry.unit_cost for entry in base.config.activities}
    spent = base.activities["quantity"] * base.activities["activity"].map(costs).astype(float)
    cost = spent.groupby(base.activities["customer_id"]).sum()
    cost = cost.reindex(base.truth["customer_id"], fill_value=0.0)
    profit = base.transactions.groupby("customer_id")["profit"].sum()
    losing = (profit - cost < 0).to_numpy()
    heavy = base.truth["heavy_service"].to_numpy()
    assert cost.to_numpy()[heavy].mean() > 4 * cost.to_numpy()[~heavy].mean()
    assert losing[heavy].mean() > 2 * losing[~heavy].mean()
    assert 0.05 < losing.mean() < 0.5


def test_only_businesses_are_strategic_and_they_spend_more(base: simulate.SimulatedBase) -> None:
    business = (base.customers["kind"] == "business").to_numpy()
    assert business.mean() == pytest.approx(base.config.business_share, abs=1e-4)
    flags = base.customers[["strategic_public_sector", "strategic_key_technology"]].to_numpy()
    assert flags[business].any()
    assert not flags[~business].any()
    spend = base.truth["spend_mean"].to_numpy()
    assert np.median(spend[business]) > np.median(spend[~business])


def test_malicious_leavers_are_in_default_and_good_payers_owe_nothing(
    base: simulate.SimulatedBase,
) -> None:
    standing = base.customers["credit_standing"]
    malicious = (base.truth["cause"] == "passive.malicious").to_numpy()
    assert standing[malicious].isin(["default", "fraud"]).all()
    assert not standing[~malicious].isin(["default", "fraud"]).any()
    assert ((standing == "good") == (base.customers["overdue_amount"] == 0)).all()


def test_protected_attributes_depend_on_nothing(base: simulate.SimulatedBase) -> None:
    """Chi-square of independence against leaving, kind and service use."""
    from scipy import stats

    columns = {
        "alive": base.truth["alive"],
        "heavy": base.truth["heavy_service"],
        "kind": base.customers["kind"],
        "spender": base.truth["spend_mean"] > base.truth["spend_mean"].median(),
    }
    for protected in ("age_band", "gender"):
        for name, other in columns.items():
            table = pd.crosstab(base.customers[protected], other)
            assert stats.chi2_contingency(table).pvalue > 0.001, (protected, name)


def test_surveys_read_the_true_attitudes(base: simulate.SimulatedBase) -> None:
    joined = base.surveys.merge(base.truth, on="customer_id", suffixes=("", "_true"))
    assert joined["satisfaction"].corr(joined["satisfaction_true"]) > 0.85
    scores = base.surveys[["satisfaction", "perceived_value", "switching_cost"]]
    assert scores.min(axis=None) == 1
    assert scores.max(axis=None) == 5
    recommend = base.surveys["likelihood_to_recommend"]
    assert (recommend.min(), recommend.max()) == (0, 10)


def test_category_spending_is_at_least_the_customers_own_on_average(
    base: simulate.SimulatedBase,
) -> None:
    own = base.truth["purchase_rate"] * 365.25 / 7 * base.truth["spend_mean"]
    whole = own + base.truth["upgrade_potential"]
    ratio = (base.customers["category_spending"] / whole)[whole > 100].dropna()
    assert ratio.median() == pytest.approx(1.0, abs=0.02)  # lognormal noise has median 1
    assert (base.truth["upgrade_potential"] >= 0).all()


# --- input checks --------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, -3])
def test_a_base_without_customers_is_refused(n: int) -> None:
    for make in (
        simulate.make_customer_base,
        simulate.make_transactions,
        simulate.make_purchase_histories,
    ):
        with pytest.raises(NotComputableError, match=f"n_customers is {n}"):
            make(n, seed=1)


def test_wrong_settings_are_refused() -> None:
    with pytest.raises(ValidationError, match="cannot be longer"):
        simulate.SimulationConfig(observed_days=100, joining_days=200)
    with pytest.raises(ValidationError, match="add up to"):
        simulate.SimulationConfig(channels=(SalesChannel(share=0.0),))
    with pytest.raises(ValidationError, match="name twice"):
        simulate.SimulationConfig(channels=(SalesChannel(), SalesChannel()))
    with pytest.raises(ValidationError, match=r"active\.natural"):
        CauseShare(code="bored")
    with pytest.raises(ValidationError, match="greater than 0"):
        simulate.make_purchase_histories(10, seed=1, alpha=-1.0)
    with pytest.raises(NotComputableError, match="age_range"):
        simulate.make_purchase_histories(10, seed=1, age_range=(5.0, 2.0))
    with pytest.raises(AsOfError, match="as_of"):
        simulate.make_transactions(10, seed=1, as_of="someday")


# --- dirt ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clean() -> pd.DataFrame:
    return simulate.make_transactions(2000, seed=7)


def test_dirt_is_counted_row_by_row(clean: pd.DataFrame) -> None:
    dirty = simulate.add_dirt(clean, seed=1)
    frame, counts = dirty.frame, dirty.counts()
    config = simulate.DirtConfig()
    for name, count in counts.items():
        assert count == round(getattr(config, name) * len(clean)), name
    assert frame["customer_id"].isna().sum() == counts["missing_customer_id"]
    assert frame["timestamp"].isna().sum() == counts["missing_timestamp"]
    assert frame["amount"].isna().sum() == counts["missing_amount"]
    numbers = frame["amount"].map(lambda value: isinstance(value, float)).to_numpy()
    values = frame["amount"].where(numbers).astype(float)
    assert np.isinf(values).sum() == counts["non_finite_amount"]
    assert (values == 0).sum() == counts["zero_amount"]
    texts = frame["amount"].map(lambda value: isinstance(value, str))
    assert texts.sum() == counts["unparsable_amount"] + counts["currency_text"]
    dates = pd.to_datetime(frame["timestamp"], format="%Y-%m-%d", errors="coerce")
    lost = counts["missing_timestamp"] + counts["unparsable_timestamp"]
    assert dates.isna().sum() == lost
    assert (dates > clean["timestamp"].max()).sum() == counts["after_as_of"]
    assert dirty.summary()["rows"].tolist() == list(counts.values())


def test_clean_rows_stay_as_they_were_and_the_input_too(clean: pd.DataFrame) -> None:
    before = clean.copy()
    dirty = simulate.add_dirt(clean, seed=1)
    pd.testing.assert_frame_equal(clean, before)
    whole = np.flatnonzero(dirty.reason[: len(clean)] == "")
    kept = dirty.frame.loc[whole]
    assert kept["amount"].astype(float).tolist() == clean.loc[whole, "amount"].tolist()
    assert kept["customer_id"].astype(int).tolist() == clean.loc[whole, "customer_id"].tolist()


def test_harmless_dirt_says_the_same_in_another_way(clean: pd.DataFrame) -> None:
    dirty = simulate.add_dirt(clean, seed=1)
    rows = np.flatnonzero(dirty.reason == "mixed_customer_id")
    texts = dirty.frame.loc[rows, "customer_id"]
    assert texts.map(lambda value: isinstance(value, str)).all()
    assert texts.astype(float).astype(int).tolist() == clean.loc[rows, "customer_id"].tolist()
    rows = np.flatnonzero(dirty.reason == "currency_text")
    amounts = dirty.frame.loc[rows, "amount"].str.replace(r"[$,]", "", regex=True).astype(float)
    assert np.allclose(amounts, clean.loc[rows, "amount"], atol=0.005)


def test_the_tables_room_finds_the_dirt_and_nothing_else(clean: pd.DataFrame) -> None:
    dirty = simulate.add_dirt(clean, seed=1)
    rules = tables.TransactionRules(zero_amounts="drop", duplicates="drop")
    _, ledger = tables.split_valid_transactions(
        dirty.frame, rules=rules, as_of=clean["timestamp"].max()
    )
    unreported = {"mixed_customer_id", "currency_text"}
    wanted = {name: rows for name, rows in dirty.counts().items() if name not in unreported}
    assert ledger.reconciles
    assert {name: rows for name, rows in ledger.counts().items() if rows} == wanted


def test_duplicates_repeat_clean_rows_at_the_end(clean: pd.DataFrame) -> None:
    dirty = simulate.add_dirt(clean, seed=1)
    extra = dirty.frame.iloc[len(clean) :]
    assert (dirty.reason[len(clean) :] == "duplicate").all()
    assert len(extra) == dirty.counts()["duplicate"]
    assert dirty.frame.duplicated().sum() - clean.duplicated().sum() >= len(extra)


def test_dirt_is_seeded_shows_itself_and_pickles(clean: pd.DataFrame) -> None:
    first, second = (simulate.add_dirt(clean, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.to_frame(), second.to_frame())
    assert repr(first) == f"<DirtyTransactions: {len(first):,} dirty rows; next: .frame>"
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(first)).frame, first.frame)


def test_dirt_needs_the_three_columns_and_enough_rows(clean: pd.DataFrame) -> None:
    with pytest.raises(SchemaError, match="no column 'amount'"):
        simulate.add_dirt(clean.drop(columns="amount"), seed=1)
    with pytest.raises(NotComputableError, match="the shares soil"):
        simulate.add_dirt(clean, seed=1, config=simulate.DirtConfig(duplicate=1.0))
