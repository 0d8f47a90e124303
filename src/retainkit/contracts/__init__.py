"""Contracts, read once: one convention, spells, charges, and each customer's state on a day."""

from retainkit.contracts._charges import list_charges
from retainkit.contracts._convention import ContractConvention
from retainkit.contracts._details import ContractDetails
from retainkit.contracts._read import Contracts, read_contracts
from retainkit.contracts._state import ContractState, read_contract_state

__all__ = [
    "ContractConvention",
    "ContractDetails",
    "ContractState",
    "Contracts",
    "list_charges",
    "read_contract_state",
    "read_contracts",
]


def __dir__() -> list[str]:
    return __all__
