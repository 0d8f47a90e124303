"""Contracts, read once: one convention, spells, charges, and each customer's state on a day."""

from retainkit.contracts._read import ContractConvention, ContractDetails, Contracts, read_contracts
from retainkit.contracts._spells import list_charges
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
