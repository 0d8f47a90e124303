"""Small bases for the tests of the forecast."""

from __future__ import annotations

import numpy as np
import pandas as pd

AS_OF = "2024-12-31"


def make_base(customers: int = 400, days: int = 730, seed: int = 7) -> pd.DataFrame:
    """Customers who buy at random moments at rates of their own; amounts of their own as well."""
    rng = np.random.default_rng(seed)
    counts = 1 + rng.poisson(rng.gamma(0.8, 6.0, customers))
    who = np.repeat(np.arange(customers), counts)
    start = np.datetime64(AS_OF) - np.timedelta64(days - 1, "D")
    day = rng.integers(0, days, len(who))
    mean = rng.gamma(4.0, 10.0, customers)
    return pd.DataFrame(
        {
            "customer_id": who,
            "timestamp": start + day.astype("timedelta64[D]"),
            "amount": np.round(rng.gamma(3.0, mean[who] / 3.0), 2),
        }
    )
