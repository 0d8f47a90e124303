"""What is said of contracts that are unpaid, or came back, and what is done for new ones."""

from __future__ import annotations

import pandas as pd
import pytest

from retainkit.pipeline import RetentionPipeline, RetentionResult

pytestmark = pytest.mark.filterwarnings("ignore::retainkit.errors.RetainkitWarning")
AS_OF = "2023-09-08"


@pytest.fixture(scope="module")
def result() -> RetentionResult:
    """A hundred subscribers of 39 a month; one never paid, one came back a month ago."""
    start = [pd.Timestamp("2022-09-10") + pd.Timedelta(days=3 * n) for n in range(100)]
    end = [day + pd.Timedelta(days=95) if n % 2 else pd.NaT for n, day in enumerate(start)]
    rows = pd.DataFrame(
        {
            "customer_id": [f"s{n}" for n in range(100)],
            "start": start,
            "end": end,
            "amount": 39.0,
            "paid": "Yes",
        }
    )
    more = pd.DataFrame(
        {
            "customer_id": ["unpaid", "back", "back", "new"],
            "start": pd.to_datetime(["2023-07-04", "2022-10-01", "2023-08-20", "2023-08-28"]),
            "end": [pd.NaT, pd.Timestamp("2022-12-01"), pd.NaT, pd.NaT],
            "amount": 39.0,
            "paid": ["No", "Yes", "Yes", "Yes"],
        }
    )
    contracts = pd.concat([rows, more], ignore_index=True)
    return RetentionPipeline().run(contracts=contracts, as_of=AS_OF)


def reason(result: RetentionResult, name: str, language: str = "en") -> str:
    said = result.scores.reasons(language)  # type: ignore[arg-type]
    return str(said[result.history.customer_id.get_loc(name)])


def test_an_unpaid_contract_is_called_so_with_its_price(result: RetentionResult) -> None:
    assert "contract of 39 a month, unpaid since 4 July 2023" in reason(result, "unpaid")
    assert "每月 39 的合同自 2023年7月4日 起未付款" in reason(result, "unpaid", "zh")
    assert not any("ays 0 a month" in said for said in result.scores.reasons())


def test_who_came_back_has_its_months_counted_from_then(result: RetentionResult) -> None:
    assert "ays 39 a month, for 1 month since it came back" in reason(result, "back")
    assert "so far" in reason(result, "s0")


def test_nobody_billed_by_contract_is_cared_for_between_purchases(result: RetentionResult) -> None:
    actions = set(result.customers.to_frame()["action"].astype(str))
    purchases = {"second_purchase", "thank_and_help", "remind_what_is_due"}
    names = {m.id: m.name.text("en") for m in result.scores.policy.catalog.measures}
    assert not actions & (purchases | {names[one] for one in purchases})


def test_the_scorecard_tells_no_lifetime_and_no_profit_it_has_not(result: RetentionResult) -> None:
    card = result.scorecard.to_frame().set_index("measure")
    for name in ("customer_lifetime_value", "profit_per_customer"):
        assert card.loc[name, "status"] == "missing"
