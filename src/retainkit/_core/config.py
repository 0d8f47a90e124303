"""Base classes of what users choose (configs) and of what is learnt (models)."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from retainkit._core.docs import describe_parameters, first_line


class FrozenConfig(BaseModel):
    """An immutable, hashable record that refuses unknown fields and non-finite numbers."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        defer_build=True,
        validate_default=True,
    )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Describe the fields in the JSON Schema with the words of the docstring."""
        schema = handler(core_schema)
        own = handler.resolve_ref_schema(schema)
        own["description"] = first_line(cls)
        for name, description in describe_parameters(cls).items():
            if name in own.get("properties", {}):
                own["properties"][name]["description"] = description
        return schema

    def replace(self, **changes: Any) -> Self:
        """Return a copy with `changes` applied and everything validated again.

        Parameters
        ----------
        **changes : Any
            New values by field name.

        Returns
        -------
        Self
            A new record; `self` is unchanged.

        Raises
        ------
        pydantic.ValidationError
            If a field is unknown or a value breaks its rule
            (`model_copy(update=...)` would accept both).

        Examples
        --------
        >>> from retainkit.tables import TransactionColumns
        >>> TransactionColumns().replace(customer_id="CustomerID").customer_id
        'CustomerID'
        """
        current = {name: getattr(self, name) for name in type(self).model_fields}
        return type(self).model_validate({**current, **changes})


class FrozenModel(FrozenConfig):
    """A small learnt model: parameters and the config they were learnt with; JSON in and out."""

    def to_json(self) -> str:
        """Write the model as readable JSON; floats keep every bit.

        Text that `from_json` turns back into an equal model.
        """
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a model that `to_json` wrote.

        Parameters
        ----------
        text : str or bytes
            The JSON document.

        Returns
        -------
        Self
            A model equal to the one that was written.

        Raises
        ------
        pydantic.ValidationError
            If the text is not JSON, misses a field or carries an unknown one.
        """
        return cls.model_validate_json(text)
