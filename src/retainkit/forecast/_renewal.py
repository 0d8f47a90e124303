"""fit_renewal_model: learn who stays under contract, judged at earlier days."""

from __future__ import annotations

import numpy as np

from retainkit.errors import AlignmentError, NotComputableError
from retainkit.forecast._renewal_evidence import (
    Setting,
    choose,
    choose_origins,
    judge,
    learn_candidate,
    level_spread,
)
from retainkit.forecast._renewal_learn import CovariatesAt, TermCounts, count_terms
from retainkit.forecast._renewal_model import RenewalModel, RenewalOrigin
from retainkit.forecast._renewal_spells import MIN_ENDS, LateEntry, find_late_entry, read_spells
from retainkit.typing import ArrayLike1D, FloatArray


def fit_renewal_model(
    start_day: ArrayLike1D,
    end_day: ArrayLike1D,
    *,
    as_of_day: int,
    horizon_days: int = 365,
    term_months: ArrayLike1D | int = 1,
    plan: ArrayLike1D | None = None,
    customer: ArrayLike1D | None = None,
    recorded_from_day: int | None = None,
    covariates: FloatArray | CovariatesAt | None = None,
    covariate_names: tuple[str, ...] = (),
) -> RenewalModel:
    """Learn how long contracts last by term, plan and tenure, and judge it at earlier days.

    Contracts are at risk from their start, or from the day ends are recorded (late entry). Where
    ends fall on renewal dates, the hazard is one of renewals; otherwise of months or of days.

    Parameters
    ----------
    start_day : array-like of shape (n,)
        First day of each contract, days since 1970-01-01.
    end_day : array-like of shape (n,)
        Day on which it ended; NaN: it runs. Ends after `as_of_day` are not looked at.
    as_of_day : int
        Last observed day, inclusive.
    horizon_days : int, default 365
        Window in which the candidates are judged [day]; shorter where history is too short.
    term_months : array-like or int, default 1
        Months between renewals [month].
    plan : array-like of int, optional
        Plan codes; each plan has a factor on the hazard of its term.
    customer : array-like of shape (n,), optional
        Whose contract it is: returns are learnt from the next contracts of the same customer.
    recorded_from_day : int, optional
        First day from which ends are recorded, where that is later than the first start.
    covariates : ndarray of shape (n, k) or callable, optional
        A matrix of what was known from each start on; or a function that returns, for a day, the
        matrix of what was known on it. Effects are learnt from past days only through it.
    covariate_names : tuple of str, default ()
        Names of the columns.

    Returns
    -------
    RenewalModel
        The candidate chosen, with the results of all candidates at each past day.

    Raises
    ------
    NotComputableError
        If no contract has started by `as_of_day`.
    AlignmentError, InvalidTableError
        If arrays differ in length, a day is not whole, or a contract ends before it starts.

    Notes
    -----
    The first of CANDIDATES is taken whose log loss and AUC at the past days are both within one
    standard error of the best; candidates and the past days are refitted from what was known
    then. Where ends seem recorded only for a short time (`finding`) and `recorded_from_day` is
    not given, contracts are ranked only.

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). Journal of Interactive Marketing 21(1), 76-90.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.forecast._renewal import fit_renewal_model
    >>> start = np.arange(200) % 40 * 9
    >>> end = np.where(np.arange(200) % 3 == 0, start + np.arange(200) % 70, np.nan)
    >>> model = fit_renewal_model(start, end, as_of_day=400, horizon_days=30)
    >>> model.calibrated, model.terms[0].ended
    (True, 67)
    """
    spells = read_spells(start_day, end_day, term_months, plan, customer)
    if not len(spells.start):
        raise NotComputableError(
            "no contract that counts was given",
            rule="staying is learnt from contracts that began",
            where="start_day",
            fix="pass at least one; ContractConvention says which trials and short contracts count",
        )
    late = (
        find_late_entry(spells.start, spells.end, as_of_day) if recorded_from_day is None else None
    )
    begin = late.day if late is not None else recorded_from_day
    at, names = _read_covariates(covariates, covariate_names, len(spells.start))
    notes: list[str] = []
    window, origins = choose_origins(spells, as_of_day, horizon_days, begin)
    setting = Setting(begin, window, at, names)
    judged: tuple[RenewalOrigin, ...] = ()
    if late is None:
        judged = tuple(row for day in origins for row in judge(spells, day, setting))
        notes += _say_how_judged(judged, window, horizon_days)
    candidate = choose(judged)
    counts = count_terms(spells, as_of_day, begin)
    model = learn_candidate(spells, counts, as_of_day, setting, candidate)
    notes += _say_what_is_thin(model, counts)
    if recorded_from_day is not None and (early := int((spells.end < recorded_from_day).sum())):
        notes.append(f"{early} contracts that ended before recorded_from_day are left out")
    return model.replace(
        calibrated=late is None,
        finding=_words(late, recorded_from_day),
        level_sd=level_spread(judged, candidate, model),
        origins=judged,
        notes=tuple(notes),
    )


def _read_covariates(
    covariates: FloatArray | CovariatesAt | None, names: tuple[str, ...], n: int
) -> tuple[CovariatesAt | None, tuple[str, ...]]:
    if covariates is None:
        return None, ()
    if callable(covariates):
        return covariates, names
    matrix: FloatArray = np.asarray(covariates, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape != (n, len(names)):
        raise AlignmentError(
            f"covariates of shape {matrix.shape}, {n} contracts and {len(names)} names",
            rule="one row per contract, one name per column",
            where="covariates, covariate_names",
            fix="pass a matrix of shape (contracts, names)",
        )
    return (lambda _: matrix), names


def _say_how_judged(judged: tuple[RenewalOrigin, ...], window: int, horizon: int) -> list[str]:
    if not any(not row.reason for row in judged):
        return ["no past day could be judged: nothing is known of how well this forecast does"]
    if window < horizon:
        return [f"judged over {window} days: the history is too short for {horizon}"]
    return []


def _say_what_is_thin(model: RenewalModel, counts: list[TermCounts]) -> list[str]:
    learnt = {one.term_months: one.ended for one in model.terms}
    never = [one.term for one in counts if one.term not in learnt]
    few = [f"{term} ({ended})" for term, ended in learnt.items() if ended < MIN_ENDS]
    notes = []
    if never:
        notes.append(f"no contract with a term of {never} months has reached a renewal date")
    if few:
        notes.append(f"terms with fewer than {MIN_ENDS} ends [month (ends)]: {', '.join(few)}")
    return notes


def _words(late: LateEntry | None, recorded_from: int | None) -> str:
    if late is None:
        return "" if recorded_from is None else "contracts count from the day ends are recorded"
    day = str(np.datetime64(late.day, "D"))
    return (
        f"ends seem recorded only from {day}: {late.before} before it, although at the rate since "
        "then many were due; contracts can be ranked, but chances and totals need "
        "recorded_from_day (the first day on which ends were recorded)"
    )
