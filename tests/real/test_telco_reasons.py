"""IBM Telco: all 20 churn reasons of each of the three files are mapped."""

from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from retainkit.churn import (
    CauseTable,
    attribute_causes,
    check_codes,
    compare_sources,
    cumulative_incidence,
    detect_churn,
    find_leaks,
    fit_evidence_model,
    load_code_book,
    summarize_causes,
)

pytestmark = pytest.mark.real

FOLDER = (
    Path(os.environ.get("RETAINKIT_DATA", Path(__file__).parents[3] / "shared" / "data")) / "telco"
)
OLD, JOINED, MAVEN = (
    "Telco_customer_churn_33col.csv.gz",
    "telco_joined_ibm_11_1_3.csv.gz",
    "telecom_customer_churn.csv.gz",
)
DONT_KNOW = {OLD: 154, JOINED: 130, MAVEN: 130}  # SOURCE.txt and the published count
COMPETITOR = {OLD: 189 + 162 + 140 + 130, JOINED: 841, MAVEN: 841}  # Churn Category, all files
PRICE = {OLD: 98 + 57 + 44 + 44, JOINED: 211, MAVEN: 211}
MOVED_OR_DIED = {OLD: 53 + 6, JOINED: 46 + 6, MAVEN: 46 + 6}


def read(name: str) -> pd.DataFrame:
    """Read one file; 'None' is a value there, so nothing but an empty field is missing."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"real data set not found: {path} (set RETAINKIT_DATA)")
    frame = pd.read_csv(path, keep_default_na=False, encoding_errors="replace", dtype=str)
    return frame.rename(columns={"CustomerID": "customer_id", "Customer ID": "customer_id"})


def attribute(frame: pd.DataFrame) -> tuple[pd.DataFrame, CauseTable]:
    left = (frame["Churn Reason"] != "").to_numpy(dtype=np.bool_)
    events = pd.DataFrame(
        {
            "customer_id": frame.loc[left, "customer_id"],
            "timestamp": pd.Timestamp("2022-06-30"),
            "kind": "survey_reason",
            "code": frame.loc[left, "Churn Reason"],
            "source": "ibm_telco.churn_reason",
        }
    ).reset_index(drop=True)
    churn = detect_churn(np.where(left, 0.0, 1.0), customer_id=frame["customer_id"])
    return events, attribute_causes(events, churn=churn)


@pytest.mark.parametrize("name", [OLD, JOINED, MAVEN])
def test_all_twenty_reasons_are_mapped(name: str) -> None:
    events, causes = attribute(read(name))
    coverage = check_codes(events, code_books=[load_code_book("ibm_telco.churn_reason")])
    assert len(coverage) == 20
    assert coverage.share == 1.0
    assert len(coverage.uncovered()) == 0
    assert int(coverage.events.sum()) == len(causes) == 1869


@pytest.mark.parametrize("name", [OLD, JOINED, MAVEN])
def test_breakdown_agrees_with_the_files_own_counts(name: str) -> None:
    """Only "Don't know" is unknown; price without a competitor or a price rise is no one's."""
    breakdown = summarize_causes(attribute(read(name))[1])
    counts = breakdown.to_frame().set_index("cause")["customers"].to_dict()
    natural = MOVED_OR_DIED[name] + PRICE[name]
    assert counts == {
        "active.natural": natural,
        "active.competitive": COMPETITOR[name],
        "active.fault": 1869 - natural - COMPETITOR[name] - DONT_KNOW[name],
        "passive.non_malicious": 0,
        "passive.retaliatory": 0,
        "passive.malicious": 0,
        "unknown": DONT_KNOW[name],
        "administrative": 0,
    }
    assert breakdown.unknown_share == pytest.approx(DONT_KNOW[name] / 1869)


def test_dont_know_abstains_with_its_reason() -> None:
    events, causes = attribute(read(MAVEN))
    frame = causes.to_frame().set_index("customer_id")
    silent = frame.loc[events.loc[events["code"] == "Don't know", "customer_id"]]
    assert set(silent["cause"]) == {"unknown"}
    assert set(silent["rule"]) == {"abstain.cause_not_stated"}
    assert set(silent["sub_reason"]) == {"not_stated"}
    assert (frame["cause"] == "unknown").sum() == len(silent) == 130


def test_two_files_that_contradict_each_other_are_shown_not_averaged() -> None:
    """519 of the 1,869 churners have another reason in the other file (SOURCE.txt).

    Only where the leaves differ and no rule reconciles them is the customer contradicted.
    """
    old, new = (attribute(read(name))[0] for name in (OLD, JOINED))
    both = old.merge(new, on="customer_id")
    assert len(both) == 1869
    assert int((both["code_x"] != both["code_y"]).sum()) == 519
    churn = detect_churn(np.zeros(len(both)), customer_id=both["customer_id"])
    causes = attribute_causes(pd.concat([old, new], ignore_index=True), churn=churn)
    one, two = (attribute_causes(part, churn=churn).cause_code for part in (old, new))
    unknown = list(causes.catalog.causes).index(causes.catalog.entry("unknown"))
    disagree = (one != two) & (one != unknown) & (two != unknown)
    price = {e.code for e in load_code_book("ibm_telco.churn_reason").entries if e.signals}
    dear = both["code_x"].isin(price) | both["code_y"].isin(price)
    rival = both["code_x"].str.startswith("Comp") | both["code_y"].str.startswith("Comp")
    tie_broken = (dear & rival).to_numpy(dtype=np.bool_)  # price beside a competitor: competitive
    assert set(causes.cause[tie_broken]) == {"active.competitive"}
    disagree &= ~tie_broken
    np.testing.assert_array_equal(causes.is_contradicted, disagree)


def test_519_conflicts_are_listed_with_the_shares_under_either_file() -> None:
    """Counted apart from the code: 519 codes differ; shares from each file's own leaf counts."""
    frames = {name: read(name) for name in (OLD, JOINED)}
    old, new = (attribute(frame)[0] for frame in frames.values())
    churn = detect_churn(np.zeros(len(old)), customer_id=old["customer_id"])
    conflicts = compare_sources({"workbook": old, "status": new}, churn=churn)
    both = old.merge(new, on="customer_id")
    differ = both[both["code_x"] != both["code_y"]]
    assert len(conflicts) == len(differ) == 519
    frame = conflicts.to_frame().set_index("customer_id").loc[differ["customer_id"]]
    assert frame["first_said"].tolist() == differ["code_x"].tolist()
    assert frame["second_said"].tolist() == differ["code_y"].tolist()
    shares = conflicts.shares().set_index("cause")
    for column, name in (("share(workbook)", OLD), ("share(status)", JOINED)):
        assert shares.loc["active.competitive", column] == pytest.approx(COMPETITOR[name] / 1869)
        assert shares.loc["unknown", column] == pytest.approx(DONT_KNOW[name] / 1869)
        natural = (MOVED_OR_DIED[name] + PRICE[name]) / 1869
        assert shares.loc["active.natural", column] == pytest.approx(natural)
    assert conflicts.summary()["customers"].sum() == 1869
    assert 0.5 < conflicts.agreement.kappa < 0.9


def test_the_joined_and_the_maven_file_agree_on_every_reason() -> None:
    new, maven = (attribute(read(name))[0] for name in (JOINED, MAVEN))
    churn = detect_churn(np.zeros(len(new)), customer_id=new["customer_id"])
    assert len(compare_sources({"status": new, "maven": maven}, churn=churn)) == 0


def test_the_columns_that_give_the_outcome_away_are_named() -> None:
    """SOURCE.txt: satisfaction 1-2 = all churned, 4-5 = none; the churn score and labels too."""
    frame = read(JOINED)
    gone = (frame["Churn Value"] == "1").to_numpy(dtype=np.bool_)
    numbers = {name: pd.to_numeric(frame[name], errors="coerce") for name in frame.columns}
    features = pd.DataFrame(
        {name: frame[name] if n.isna().any() else n for name, n in numbers.items()}
    ).drop(columns=["customer_id"])
    leaks = find_leaks(features, churned=gone)
    assert set(leaks.leaking) == {
        "Satisfaction Score",
        "Churn Score",
        "Churn Value",
        "Churn Label",
        "Churn Category",
        "Churn Reason",
        "Customer Status",
    }
    row = leaks.to_frame().set_index("column").loc["Satisfaction Score"]
    assert row["detail"] == "all left at 1, 2; none left at 4, 5"
    assert (row["settled_gone"], row["settled_staying"]) == (922 + 518, 1789 + 1149)


def test_one_minus_kaplan_meier_is_too_high_for_every_category() -> None:
    """Against statsmodels: its Kaplan-Meier per cause is our `naive`, its incidence our curve."""
    from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight

    frame = read(JOINED)
    category = frame["Churn Category"].where(frame["Churn Category"] != "", None)
    tenure = frame["Tenure in Months"].astype(float).to_numpy()
    table = cumulative_incidence(tenure, cause=category)
    assert len(table.causes) == 5
    code = pd.Index(table.causes).get_indexer(pd.Index(category)) + 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its last standard error is 0 / 0
        theirs = CumIncidenceRight(tenure, code)
    for k in range(5):
        alone = SurvfuncRight(tenure, code == k + 1)
        assert table.naive[-1, k] == pytest.approx(1.0 - alone.surv_prob[-1], abs=1e-12)
        assert table.incidence[-1, k] == pytest.approx(theirs.cinc[k][-1], abs=1e-12)
    assert (table.naive[-1] > table.incidence[-1]).all()
    all_causes = SurvfuncRight(tenure, code > 0)
    lost = 1.0 - all_causes.surv_prob[-1]
    assert table.incidence[-1].sum() == pytest.approx(lost, abs=1e-12)
    assert table.naive[-1].sum() - lost > 0.07


def test_without_agreement_between_sources_the_rules_stand() -> None:
    """One statement each: nothing to learn; "don't know" stays unknown and is in the totals."""
    _, causes = attribute(read(JOINED))
    judged = fit_evidence_model(causes).apply(causes)
    np.testing.assert_array_equal(judged.cause_code, causes.cause_code)
    assert judged.posterior[:, 6].max() == 0.0
