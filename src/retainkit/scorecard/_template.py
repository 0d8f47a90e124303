"""A strategy map without numbers: objectives and the measures that serve them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any, Self

from pydantic import model_validator

from retainkit._core.catalogue import read_catalogue
from retainkit._core.config import FrozenModel
from retainkit._core.labels import Label
from retainkit.errors import SchemaError
from retainkit.scorecard._measures import Identifier, Link, Measure, Objective, check_links
from retainkit.typing import Rate


class ScorecardTemplate(FrozenModel):
    """A strategy map to be filled: objectives, measures, targets and owners.

    Parameters
    ----------
    id : str
        Stable name.
    name : Label
        Both display names.
    objectives : tuple of Objective
        In reading order.
    measures : tuple of Measure
        Each serves one of the objectives.
    links : tuple of Link
        Which objective helps to reach which: the argument of the map, from root to result.
    amber_tolerance : float
        How far short of its target a measure is still amber, as a share of the target's size,
        where the target itself does not say.

    Raises
    ------
    pydantic.ValidationError
        If ids repeat, a measure serves or a link names an objective that is not there, a link
        points from result to root, or links go in a circle. Objectives without measures or
        without effect are no error: the scorecard reports them.

    Examples
    --------
    >>> from retainkit.scorecard import ScorecardTemplate
    >>> template = ScorecardTemplate.complete()
    >>> len(template.objectives), len(template.measures)
    (24, 54)
    >>> ScorecardTemplate.from_json(template.to_json()) == template
    True
    """

    id: Identifier
    name: Label
    objectives: tuple[Objective, ...]
    measures: tuple[Measure, ...]
    links: tuple[Link, ...] = ()
    amber_tolerance: Rate = 0.1

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        """Refuse ids that repeat and names that are not there."""
        for what, ids in (
            ("objective", [objective.id for objective in self.objectives]),
            ("measure", [measure.id for measure in self.measures]),
        ):
            twice = [name for name, count in Counter(ids).items() if count > 1]
            if twice:
                raise ValueError(f"{what} ids appear more than once: {twice}")
        known = {objective.id for objective in self.objectives}
        astray = [measure.id for measure in self.measures if measure.objective not in known]
        if astray:
            raise ValueError(f"measures serve an objective that is not there: {astray}")
        check_links(self.objectives, self.links)
        return self

    @classmethod
    def complete(cls) -> Self:
        """Return the whole map: 24 objectives and 54 measures, without targets and owners."""
        return cls._built_in("complete")

    @classmethod
    def systems_integrator(cls) -> Self:
        """Return the worked example of a systems integrator that turns to strategic accounts."""
        return cls._built_in("systems_integrator")

    @classmethod
    def retail_bank(cls) -> Self:
        """Return the worked example of a retail bank."""
        return cls._built_in("retail_bank")

    @classmethod
    def chemicals_producer(cls) -> Self:
        """Return the worked example of a chemicals producer selling through distributors."""
        return cls._built_in("chemicals_producer")

    @classmethod
    def _built_in(cls, name: str) -> Self:
        """Return a template of the catalogue; a measure may be that of another map."""
        document = read_catalogue("retainkit.scorecard", name)
        return cls.model_validate(
            {**document, "measures": [_whole(m) for m in document["measures"]]}
        )

    def measure(self, measure_id: str) -> Measure:
        """Return one measure by id; SchemaError names the closest ids where there is none."""
        for measure in self.measures:
            if measure.id == measure_id:
                return measure
        raise unknown_measure(measure_id, [measure.id for measure in self.measures], self.id)

    def with_measures(self, *measures: Measure) -> Self:
        """Return a copy in which `measures` replace those of the same id or are added.

        Parameters
        ----------
        *measures : Measure
            New or changed measures, for example with a target or an owner.

        Returns
        -------
        ScorecardTemplate
            A new, validated template; replaced measures keep their place.

        Examples
        --------
        >>> from retainkit.scorecard import ScorecardTemplate, Target
        >>> template = ScorecardTemplate.complete()
        >>> measure = template.measure("retention_rate").replace(
        ...     target=Target(value=0.85), owner="Head of customer service")
        >>> template.with_measures(measure).measure("retention_rate").owner
        'Head of customer service'
        """
        new = {measure.id: measure for measure in measures}
        kept = [new.pop(measure.id, measure) for measure in self.measures]
        return self.replace(measures=(*kept, *new.values()))

    def objective_of(self, measure: Measure) -> Objective:
        """Return the objective a measure of the template serves, with perspective and process."""
        return next(o for o in self.objectives if o.id == measure.objective)


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """Return a measure of the catalogue; one `from` another map under its own objective."""
    if "from" not in row:
        return row
    others = read_catalogue("retainkit.scorecard", row["from"])["measures"]
    shared = next(other for other in others if other["id"] == row["id"])
    return {**shared, "objective": row["objective"]}


def unknown_measure(name: str, known: Iterable[str], template_id: str) -> SchemaError:
    """Return the error for a name the template does not hold, with the closest names."""
    close = get_close_matches(name, list(known))
    return SchemaError(
        f"no measure {name!r}",
        rule="a measure is named by its id or by the metric it shows",
        where=f"scorecard template {template_id!r}",
        fix=f"closest: {close}" if close else "see ScorecardTemplate.measures",
    )
