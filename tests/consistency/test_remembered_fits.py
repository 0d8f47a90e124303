"""Fits shared within a run are the fits themselves, and are made once."""

from __future__ import annotations

from retainkit._pipeline._remember import RememberedFits
from retainkit.datasets import load_cdnow_sample
from retainkit.lifetime import MbgNbdModel, PurchaseHistories, PurchaseHistory, fit_mbg_nbd
from retainkit.value import summarize_customers

SUMMARY = summarize_customers(load_cdnow_sample(), as_of="1997-09-30")
BACKWARDS = PurchaseHistories(
    frequency=SUMMARY.frequency[::-1],
    recency=SUMMARY.recency[::-1],
    age=SUMMARY.age[::-1],
    unit=SUMMARY.unit,
)


def test_the_same_histories_are_fitted_once_whatever_their_order() -> None:
    asked = []

    def fit(history: PurchaseHistory) -> MbgNbdModel:
        asked.append(history)
        return fit_mbg_nbd(history)

    fits = RememberedFits()
    first, second = fits.of(fit)(SUMMARY), fits.of(fit)(BACKWARDS)
    assert len(asked) == 1
    assert first == second == fit_mbg_nbd(SUMMARY)


def test_other_histories_and_other_fits_are_fitted_anew() -> None:
    asked = []

    def count(history: PurchaseHistory) -> int:
        asked.append(history)
        return len(asked)

    def count_as_well(history: PurchaseHistory) -> int:
        return count(history)

    fits = RememberedFits()
    few = PurchaseHistories(frequency=[1], recency=[2], age=[3], unit="week")
    days = PurchaseHistories(frequency=[1], recency=[2], age=[3], unit="day")
    assert [fits.of(f)(h) for f, h in ((count, few), (count, days), (count_as_well, few))] == [
        1,
        2,
        3,
    ]
    assert fits.of(count)(few) == 1
