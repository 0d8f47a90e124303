"""Why a customer costs money: the reason in the customer view is that of the account by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from retainkit.pipeline import RetentionResult
from retainkit.simulate import SimulatedBase
from retainkit.tables import validate_transactions
from retainkit.value import decompose_profit


def test_each_loss_has_its_reason(base: SimulatedBase, full_result: RetentionResult) -> None:
    rows = validate_transactions(base.transactions, as_of=base.as_of)
    gaps = decompose_profit(rows, replace(full_result.history))
    told_apart = {"price": "price_or_product", "product_cost": "price_or_product"}
    reason = gaps.to_frame()["reason"].astype(object).replace(told_apart)
    by_hand = reason.where(gaps.is_unprofitable)
    view = full_result.customers.to_frame()
    assert view["loss_reason"].astype(object).fillna("").tolist() == by_hand.fillna("").tolist()
    losing = np.asarray(full_result.history.contribution) < 0.0
    assert losing.any()
    assert view.loc[losing, "loss_reason"].notna().all()
    assert view.loc[~losing, "loss_reason"].isna().all()


def test_without_profit_there_is_no_reason(cdnow_result: RetentionResult) -> None:
    assert "loss_reason" not in cdnow_result.customers.to_frame()
