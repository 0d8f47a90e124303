"""Unions of models that a document or a pipeline can hold: `kind` tells which one it is."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from retainkit.lifetime._beta_geometric import BgNbdModel, MbgNbdModel
from retainkit.lifetime._contract import BetaDiscreteWeibullModel, ShiftedBetaGeometricModel
from retainkit.lifetime._nbd import NbdModel
from retainkit.lifetime._pareto_nbd import ParetoNbdModel
from retainkit.lifetime._regular import MbgCnbdModel

PurchaseModelUnion: TypeAlias = Annotated[
    MbgNbdModel | BgNbdModel | ParetoNbdModel | NbdModel | MbgCnbdModel, Field(discriminator="kind")
]
"""Any model of purchases with silent dropout, told apart by `kind` in JSON."""

ContractModelUnion: TypeAlias = Annotated[
    ShiftedBetaGeometricModel | BetaDiscreteWeibullModel, Field(discriminator="kind")
]
"""Any model of contract tenure, told apart by `kind` in JSON."""
