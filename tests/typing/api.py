"""What a type checker sees of the public names; checked by mypy, never run.

One block per room, in the order of the floors; `assert_type` states the exact type.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import assert_type

import pandas as pd

import retainkit as rk
from retainkit import churn, datasets, engines, errors, metrics, pipeline, simulate, tables, tiers
from retainkit._simulate._config import BusinessLine
from retainkit._simulate._dirt import DirtyTransactions
from retainkit.typing import BoolArray, FloatArray, TimeUnit

# --- errors --------------------------------------------------------------------------------

problem = errors.SchemaError("wrong", rule="rule", where="where", fix="fix")
as_root: errors.RetainkitError = problem
as_builtin: ValueError = problem
assert_type(problem.fix, str)

# --- datasets ------------------------------------------------------------------------------

assert_type(datasets.load_cdnow_sample(), pd.DataFrame)

# --- tables --------------------------------------------------------------------------------

columns = tables.TransactionColumns(customer_id="CustomerID")
assert_type(columns.replace(amount="Total"), tables.TransactionColumns)
assert_type(
    tables.split_valid_transactions(pd.DataFrame(), columns=columns),
    tuple[pd.DataFrame, tables.Ledger],
)
assert_type(tables.validate_transactions(pd.DataFrame(), columns=columns), pd.DataFrame)

# --- value, lifetime, tiers, churn, metrics ------------------------------------------------

summary = rk.summarize_customers(datasets.load_cdnow_sample(), as_of=date(1997, 9, 30))
assert_type(summary, rk.CustomerSummary)
assert_type(summary.age, FloatArray)
buying = rk.fit_mbg_nbd(summary)
assert_type(buying, rk.MbgNbdModel)
assert_type(buying.p_alive(summary), FloatArray)
assert_type(rk.MbgNbdModel.from_json(buying.to_json()), rk.MbgNbdModel)
cuts = tiers.fit_tier_scheme(summary.total_amount)
assert_type(tiers.assign_tiers(summary.total_amount, cuts), tiers.TierTable)
assert_type(
    churn.detect_churn(buying.p_alive(summary), customer_id=summary.customer_id), churn.ChurnTable
)

# --- pipeline ------------------------------------------------------------------------------

pipe = rk.RetentionPipeline(rk.PipelineConfig(tier_basis="contribution"))
result = pipe.run(datasets.load_cdnow_sample(), as_of="1998-06-30", columns=columns)
assert_type(result, rk.RetentionResult)
assert_type(result.customers.to_frame(language="zh"), pd.DataFrame)
assert_type(result.metrics, metrics.MetricTable)
assert_type(result.gaps, tuple[pipeline.Gap, ...])
assert_type(result.model, rk.FittedPipeline)
assert_type(rk.FittedPipeline.from_json("{}").score(summary), pipeline.CustomerScores)
assert_type(rk.fit_pipeline(summary), rk.FittedPipeline)
assert_type(result.to_document(), rk.ResultDocument)

# --- engines -------------------------------------------------------------------------------

assert_type(
    engines.score_partitions([], model=result.model, as_of="1998-06-30"), Iterator[pd.DataFrame]
)

# --- simulate ------------------------------------------------------------------------------

firm = simulate.SimulationConfig(business_share=0.5)
assert_type(firm.replace(business_share=0.1), simulate.SimulationConfig)
assert_type(firm.business_lines, tuple[BusinessLine, ...])

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
assert_type(dirty, DirtyTransactions)
assert_type(dirty.counts(), dict[str, int])

# --- what must be refused ------------------------------------------------------------------

simulate.make_transactions(10)  # type: ignore[call-arg]
simulate.make_transactions(10, 1)  # type: ignore[call-arg]
simulate.make_purchase_histories(10, seed=1, unit="year")  # type: ignore[arg-type]
firm.business_share = 0.2  # type: ignore[misc]
rk.RetentionPipeline().run(pd.DataFrame())  # type: ignore[call-arg]
result.customers.to_frame(language="fr")  # type: ignore[arg-type]
tables.split_valid_transactions(pd.DataFrame(), columns)  # type: ignore[call-arg]
