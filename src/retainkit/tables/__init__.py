"""What a valid input table is: column maps, row rules, and the ledger of every row.

Each table has a pair of verbs: `split_valid_*` returns the usable rows and a `Ledger`,
`validate_*` returns the usable rows or raises one error that lists every problem.
"""

from retainkit.tables._activities import split_valid_activities, validate_activities
from retainkit.tables._columns import (
    ActivityColumns,
    ContractColumns,
    CustomerColumns,
    EventColumns,
    SurveyColumns,
    TransactionColumns,
)
from retainkit.tables._contracts import split_valid_contracts, validate_contracts
from retainkit.tables._customers import (
    protected_attributes,
    split_valid_customers,
    validate_customers,
)
from retainkit.tables._events import split_valid_events, validate_events
from retainkit.tables._ids import align_customer_ids, align_values
from retainkit.tables._ledger import Ledger, LedgerEntry
from retainkit.tables._reasons import describe_reason
from retainkit.tables._rules import (
    ActivityRules,
    ContractRules,
    CustomerRules,
    EventRules,
    SurveyRules,
    TransactionRules,
)
from retainkit.tables._surveys import latest_answers, split_valid_surveys, validate_surveys
from retainkit.tables._transactions import split_valid_transactions, validate_transactions

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
    "LedgerEntry",
    "SurveyColumns",
    "SurveyRules",
    "TransactionColumns",
    "TransactionRules",
    "align_customer_ids",
    "align_values",
    "describe_reason",
    "latest_answers",
    "protected_attributes",
    "split_valid_activities",
    "split_valid_contracts",
    "split_valid_customers",
    "split_valid_events",
    "split_valid_surveys",
    "split_valid_transactions",
    "validate_activities",
    "validate_contracts",
    "validate_customers",
    "validate_events",
    "validate_surveys",
    "validate_transactions",
]
