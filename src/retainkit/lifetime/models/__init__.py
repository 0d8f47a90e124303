"""The models, one file each with its fit, and the unions that JSON is read into."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from retainkit.lifetime.models._beta_geometric import BgNbdModel, MbgNbdModel
from retainkit.lifetime.models._contract import BetaDiscreteWeibullModel, ShiftedBetaGeometricModel
from retainkit.lifetime.models._pareto_nbd import NbdModel, ParetoNbdModel
from retainkit.lifetime.models._regular import MbgCnbdModel

PurchaseModelUnion: TypeAlias = Annotated[
    MbgNbdModel | BgNbdModel | ParetoNbdModel | NbdModel | MbgCnbdModel, Field(discriminator="kind")
]
"""Any model of purchases with silent dropout, told apart by `kind` in JSON."""

ContractModelUnion: TypeAlias = Annotated[
    ShiftedBetaGeometricModel | BetaDiscreteWeibullModel, Field(discriminator="kind")
]
"""Any model of contract tenure, told apart by `kind` in JSON."""
