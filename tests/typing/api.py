"""What a type checker sees of the public names; checked by mypy, never run.

One block per room, in the order of the floors; `assert_type` states the exact type.
"""

from __future__ import annotations

from typing import assert_type

import pandas as pd

from retainkit import datasets, errors, simulate
from retainkit.typing import BoolArray, FloatArray, TimeUnit

# --- errors --------------------------------------------------------------------------------

problem = errors.SchemaError("wrong", rule="rule", where="where", fix="fix")
as_root: errors.RetainkitError = problem
as_builtin: ValueError = problem
assert_type(problem.fix, str)

# --- datasets ------------------------------------------------------------------------------

assert_type(datasets.load_cdnow_sample(), pd.DataFrame)

# --- simulate ------------------------------------------------------------------------------

firm = simulate.SimulationConfig(business_share=0.5)
assert_type(firm.replace(business_share=0.1), simulate.SimulationConfig)
assert_type(firm.business_lines, tuple[simulate.BusinessLine, ...])

base = simulate.make_customer_base(10, seed=1, config=firm, as_of="2024-12-31")
assert_type(base, simulate.SimulatedBase)
assert_type(base.transactions, pd.DataFrame)
assert_type(base.truth, pd.DataFrame)
assert_type(len(base), int)
assert_type(simulate.make_transactions(10, seed=1), pd.DataFrame)

histories = simulate.make_purchase_histories(10, seed=1, unit="week", grid="day")
assert_type(histories.frequency, FloatArray)
assert_type(histories.alive, BoolArray)
assert_type(histories.unit, TimeUnit)

dirty = simulate.add_dirt(base.transactions, seed=1)
assert_type(dirty, simulate.DirtyTransactions)
assert_type(dirty.counts(), dict[str, int])

# --- what must be refused ------------------------------------------------------------------

simulate.make_transactions(10)  # type: ignore[call-arg]
simulate.make_transactions(10, 1)  # type: ignore[call-arg]
simulate.make_purchase_histories(10, seed=1, unit="year")  # type: ignore[arg-type]
firm.business_share = 0.2  # type: ignore[misc]
