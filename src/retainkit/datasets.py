"""Real purchases to try things on, shipped by the lifetimes package; no network."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pandas as pd

from retainkit.errors import MissingDependencyError

__all__ = ["load_cdnow_sample", "load_donations"]


def load_cdnow_sample() -> pd.DataFrame:
    """Load every purchase of 2,357 CDNOW customers, 1997-01-01 to 1998-06-30.

    The customers all made their first purchase in the first quarter of 1997. Days are exact;
    80 purchases in the full cohort cost nothing and some repeat exactly: nothing is cleaned here.

    Returns
    -------
    pandas.DataFrame
        6,919 rows: `customer_id` int64, `timestamp` [day], `amount` [US dollar], `quantity` [CDs].

    Raises
    ------
    MissingDependencyError
        If the lifetimes package, which ships the file, is not installed.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting your customers" the easy way.
    Marketing Science 24(2), 275-284: the 1/10 systematic sample of section 5.

    Examples
    --------
    >>> from retainkit.datasets import load_cdnow_sample
    >>> purchases = load_cdnow_sample()
    >>> len(purchases), purchases["customer_id"].nunique(), f"{purchases['amount'].sum():.2f}"
    (6919, 2357, '244091.94')
    """
    frame = pd.read_csv(
        _lifetimes_file("CDNOW_sample.txt"),
        sep=r"\s+",
        header=None,
        names=["master_id", "customer_id", "timestamp", "quantity", "amount"],
        dtype={"timestamp": str},
    )
    frame["timestamp"] = pd.to_datetime(frame["timestamp"], format="%Y%m%d")
    return frame[["customer_id", "timestamp", "amount", "quantity"]]


def load_donations() -> pd.DataFrame:
    """Load the yearly donation record of 11,104 donors of 1995, counted by (x, t_x, n).

    Returns
    -------
    pandas.DataFrame
        22 rows, one per distinct history: `frequency` [years with a gift after 1995],
        `recency` [last such year, counted from 1995], `periods` [years observed: 6],
        `weight` [donors with that history].

    Raises
    ------
    MissingDependencyError
        If the lifetimes package, which ships the file, is not installed.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Shang, J. (2010). Customer-base analysis in a discrete-time
    noncontractual setting. Marketing Science 29(6), 1086-1108: table 1.

    Examples
    --------
    >>> from retainkit.datasets import load_donations
    >>> donations = load_donations()
    >>> len(donations), int(donations["weight"].sum())
    (22, 11104)
    """
    frame = pd.read_csv(_lifetimes_file("donations.csv"))
    frame.columns = pd.Index(["frequency", "recency", "periods", "weight"])
    return frame


def _lifetimes_file(name: str) -> Path:
    try:
        path = Path(str(distribution("lifetimes").locate_file(f"lifetimes/datasets/{name}")))
    except PackageNotFoundError:
        raise MissingDependencyError(
            "the lifetimes package is not installed",
            rule="the example data ship with it",
            fix="python -m pip install lifetimes",
        ) from None
    return path
