"""RenewalModel: the small learnt model of who stays under contract, and how it was judged."""

from __future__ import annotations

import pandas as pd

from retainkit._core.config import FrozenModel


class RenewalTerm(FrozenModel):
    """Hazard of contracts of one term.

    Parameters
    ----------
    term_months : int
        Months between two renewals [month].
    step_months : int
        Months between two decision dates [month]; 0: each day is one.
    hazard : tuple of float
        Chance of leaving on decision date 0, 1, ... by tenure, drawn towards the tail.
    tail_a, tail_c : float
        The hazard beyond is a / (a + c + k), that of the shifted beta-geometric model.
    strength : float
        Contracts at risk that the tail is worth beside a date's own.
    ended : int
        Ends learnt from.
    plans : tuple of int
        Codes of the plans seen.
    plan_factors : tuple of float
        Observed over expected ends of each plan, drawn towards 1.

    Examples
    --------
    >>> from retainkit.forecast._renewal_model import RenewalTerm
    >>> RenewalTerm(term_months=12, step_months=12, hazard=(0.0, 0.3), tail_a=1.0, tail_c=3.0,
    ...             strength=30.0, ended=40, plans=(0,), plan_factors=(1.0,)).hazard[1]
    0.3
    """

    term_months: int
    step_months: int
    hazard: tuple[float, ...]
    tail_a: float
    tail_c: float
    strength: float
    ended: int
    plans: tuple[int, ...]
    plan_factors: tuple[float, ...]


class CovariateEffects(FrozenModel):
    """Proportional effects of covariates on the cumulative hazard.

    Parameters
    ----------
    names : tuple of str
        Covariates that are used; one whose spread is below its own rounding is not.
    columns : tuple of int
        Their columns in the matrix.
    mean, scale : tuple of float
        What they are centred on and divided by; a missing value stands at the mean.
    low, high : tuple of float
        Range learnt from, in scales from the mean.
    effects : tuple of float
        Change of the log hazard for one scale more.
    level : float
        Log hazard at the mean, relative to the tenure hazard.

    Examples
    --------
    >>> from retainkit.forecast._renewal_model import CovariateEffects
    >>> CovariateEffects(names=("complaints",), columns=(0,), mean=(0.2,), scale=(0.5,),
    ...                  low=(-0.4,), high=(5.6,), effects=(0.7,), level=0.0).effects
    (0.7,)
    """

    names: tuple[str, ...]
    columns: tuple[int, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    effects: tuple[float, ...]
    level: float

    @property
    def width(self) -> int:
        """Columns a matrix of covariates needs."""
        return max(self.columns, default=-1) + 1


class RenewalOrigin(FrozenModel):
    """How one candidate did at one past day; a measure that does not exist there is None.

    Parameters
    ----------
    origin_day : int
        The day stood on, days since 1970-01-01.
    window_days : int
        Days ahead [day].
    candidate : str
        What predicted.
    contracts : int
        Contracts running on that day.
    active : int
        Of them, still (or again) under contract at the end of the window.
    expected_active : float
        Sum of `p_active`.
    auc : float or None
        Chance that one who stayed was ranked above one who left.
    calibration_error : float
        Mean |predicted - seen| over ten bins.
    log_loss : float
        Mean negative log-likelihood of what came.
    expected_left, left : float
        Contracts expected and seen to leave.
    expected_charges, charges : float
        Monthly charges expected and seen in the window.
    coverage : float
        Share of contracts whose charges lay in the 90 % interval.
    reason : str
        Why it could not be judged; empty if it was.

    Examples
    --------
    >>> from retainkit.forecast._renewal_model import RenewalOrigin
    >>> RenewalOrigin(origin_day=19000, window_days=60, candidate="tenure",
    ...               reason="fewer than 20 ends before").contracts
    0
    """

    origin_day: int
    window_days: int
    candidate: str
    contracts: int = 0
    active: int = 0
    expected_active: float = 0.0
    auc: float | None = None
    calibration_error: float | None = None
    log_loss: float | None = None
    expected_left: float = 0.0
    left: float = 0.0
    expected_charges: float = 0.0
    charges: float = 0.0
    coverage: float | None = None
    reason: str = ""


class RenewalModel(FrozenModel):
    """Who stays under contract over a window; see `fit_renewal_model`.

    Parameters
    ----------
    as_of_day : int
        Last observed day, inclusive, days since 1970-01-01.
    recorded_from_day : int or None
        First day from which ends are recorded; None: from the first start.
    calibrated : bool
        Whether probabilities and totals may be stated; False: contracts can only be ranked.
    finding : str
        What was found about late entry; empty if nothing.
    candidate : str
        "tenure", "tenure_recent", "beta_geometric" or "covariates".
    terms : tuple of RenewalTerm
        One per term.
    level : float
        Factor on all hazards (recent months against pooled ones); 1 unless chosen.
    level_sd : float
        Spread of log(seen / expected leavers) at past days beyond chance.
    drift : float
        Log of recent over pooled hazard, whether used or not.
    returns : tuple of float
        Daily hazard of coming back 0-30, 31-90, 91-180, 181-365 and more days after an end.
    covariates : CovariateEffects or None
        Effects of covariates, where chosen.
    origins : tuple of RenewalOrigin
        The result of each candidate at each past day.
    notes : tuple of str
        What was not learnt or not judged, and why.

    Examples
    --------
    >>> import numpy as np
    >>> from retainkit.forecast._renewal import fit_renewal_model
    >>> start = np.arange(200) % 40 * 9
    >>> end = np.where(np.arange(200) % 3 == 0, start + np.arange(200) % 70, np.nan)
    >>> model = fit_renewal_model(start, end, as_of_day=400, horizon_days=30)
    >>> model.from_json(model.to_json()) == model
    True
    """

    as_of_day: int
    recorded_from_day: int | None
    calibrated: bool
    finding: str
    candidate: str
    terms: tuple[RenewalTerm, ...]
    level: float
    level_sd: float
    drift: float
    returns: tuple[float, ...]
    covariates: CovariateEffects | None = None
    origins: tuple[RenewalOrigin, ...] = ()
    notes: tuple[str, ...] = ()

    def evidence(self) -> pd.DataFrame:
        """Return how each candidate did at each past day.

        Returns
        -------
        pandas.DataFrame
            One row per origin and candidate with the fields of `RenewalOrigin`, and `chosen`.
        """
        frame = pd.DataFrame([one.model_dump() for one in self.origins])
        if len(frame):
            frame["chosen"] = frame["candidate"] == self.candidate
        return frame
