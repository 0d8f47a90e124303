"""One object that composes the public functions, from raw records to governed decisions.

`RetentionPipeline(config).run(transactions, as_of=...)` validates, summarises, learns, scores,
grades, decides and measures. It contains no arithmetic of its own: the same functions called by
hand give the same numbers. `fit_pipeline` learns only, `FittedPipeline.score` applies only;
`backtest` runs it on past days and holds it against what came next.
"""

from __future__ import annotations

from retainkit._pipeline._attempts import Attempts
from retainkit._pipeline._backtest_score import score_backtest
from retainkit._pipeline._config import ActivityRate, BudgetConfig, PipelineConfig, TableRules
from retainkit._pipeline._contract_models import ContractTerm
from retainkit._pipeline._customers import CustomerScores, CustomerView
from retainkit._pipeline._document import ResultDocument
from retainkit._pipeline._facts import CustomerFacts, read_customer_facts
from retainkit._pipeline._fitted import FittedPipeline
from retainkit._pipeline._gaps import Gap
from retainkit._pipeline._learn import fit_pipeline
from retainkit._pipeline._measure import Departures, MonthlyFlows
from retainkit._pipeline._past_runs import BacktestResult, backtest, plan_folds
from retainkit._pipeline._plan import BudgetPlan
from retainkit._pipeline._previous import PreviousRun
from retainkit._pipeline._progress import ProgressBar
from retainkit._pipeline._result import RetentionResult
from retainkit._pipeline._run import RetentionPipeline
from retainkit._pipeline._small_check import SmallCheck
from retainkit._pipeline._today import Answer

__all__ = [
    "ActivityRate",
    "Answer",
    "Attempts",
    "BacktestResult",
    "BudgetConfig",
    "BudgetPlan",
    "ContractTerm",
    "CustomerFacts",
    "CustomerScores",
    "CustomerView",
    "Departures",
    "FittedPipeline",
    "Gap",
    "MonthlyFlows",
    "PipelineConfig",
    "PreviousRun",
    "ProgressBar",
    "ResultDocument",
    "RetentionPipeline",
    "RetentionResult",
    "SmallCheck",
    "TableRules",
    "backtest",
    "fit_pipeline",
    "plan_folds",
    "read_customer_facts",
    "score_backtest",
]
