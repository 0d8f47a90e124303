"""What a valid input table is: column maps, row rules, and the ledger of every row.

Two verbs read any of the six tables, which its column map names: `split_valid_table` returns the
usable rows and a `Ledger`, `validate_table` the usable rows or one error that lists every problem.
"""

from retainkit.tables._columns import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    SurveyColumns,
    TransactionColumns,
)
from retainkit.tables._customers import protected_attributes
from retainkit.tables._ids import align_customer_ids, align_values
from retainkit.tables._ledger import Ledger, describe_reason
from retainkit.tables._rules import (
    ActivityRules,
    ContractRules,
    CustomerRules,
    EventRules,
    SurveyRules,
    TransactionRules,
)
from retainkit.tables._specs import (
    latest_answers,
    split_valid_table,
    split_valid_transactions,
    validate_contracts,
    validate_table,
    validate_transactions,
)

__all__ = [
    "ActivityColumns",
    "ActivityRules",
    "ContractColumns",
    "ContractRules",
    "CustomerColumns",
    "CustomerRules",
    "EventColumns",
    "EventRules",
    "Ledger",
    "SurveyColumns",
    "SurveyRules",
    "TransactionColumns",
    "TransactionRules",
    "align_customer_ids",
    "align_values",
    "describe_reason",
    "latest_answers",
    "protected_attributes",
    "split_valid_table",
    "split_valid_transactions",
    "validate_contracts",
    "validate_table",
    "validate_transactions",
]
