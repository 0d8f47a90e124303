"""The same apply functions over the partitions of an engine that already runs.

A learnt model is small and scores each customer on its own, so a base of any size is scored
partition by partition, as long as **each partition holds all rows of its customers**: partition
by `customer_id`. `score_partitions` goes through frames one at a time; `score_spark` lets Spark
do the partitioning and the scheduling. Both give the numbers of one frame.

Learning needs no engine: `retainkit.lifetime` fits on distinct histories with weights, so the
histories of all partitions fit on one machine (`retainkit.value.summarize_customers` on each
partition, then one `fit_pipeline`, or a fit on a sample of customers).
"""

from __future__ import annotations

from retainkit.engines._partitions import score_partitions
from retainkit.engines._spark import score_spark

__all__ = ["score_partitions", "score_spark"]
