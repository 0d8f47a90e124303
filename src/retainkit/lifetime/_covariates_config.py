"""How covariates act on buying and dropout, and what was learnt of each."""

from __future__ import annotations

from typing import Literal, TypeAlias

from retainkit._core.config import FrozenConfig
from retainkit.lifetime._config import FitConfig
from retainkit.typing import PositiveFloat

Target: TypeAlias = Literal["rate", "dropout", "a", "b"]


class CovariateConfig(FitConfig):
    """Which law is fitted with covariates, which covariates act on what, and how hard to try.

    Parameters
    ----------
    law : {"mbg_nbd", "bg_nbd", "pareto_nbd"}, default "mbg_nbd"
        The model whose parameters the covariates move.
    rate : tuple of str, optional
        Covariates that act on the purchase rate; None is all of them, () none.
    dropout : tuple of str, optional
        Covariates that act on dropout; None is all of them, () none.
    dropout_effects : {"shapes", "odds"}, default "shapes"
        Only for BG/NBD and MBG/NBD. `"shapes"`, as published: each covariate has one effect on
        a and one on b. `"odds"`: one effect, on the logarithm of a / b, the odds of the mean
        dropout probability; half as many numbers, each with a meaning of its own.
    effect_prior_sd : float, optional
        Standard deviation of a normal prior on each effect, centred on 0: a ridge of
        1 / (2 sd^2). The effect meant is that of one standard deviation of the covariate, so that
        units do not matter. None, the default, is plain maximum likelihood.
    tolerance, max_iterations, prior_sd
        As in `FitConfig`; `prior_sd` concerns the parameters of the average customer.

    Examples
    --------
    >>> from retainkit.lifetime import CovariateConfig
    >>> CovariateConfig(law="pareto_nbd", dropout=()).dropout
    ()
    """

    law: Literal["mbg_nbd", "bg_nbd", "pareto_nbd"] = "mbg_nbd"
    rate: tuple[str, ...] | None = None
    dropout: tuple[str, ...] | None = None
    dropout_effects: Literal["shapes", "odds"] = "shapes"
    effect_prior_sd: PositiveFloat | None = None


class CovariateEffect(FrozenConfig):
    """What one more unit of a covariate does to a logarithm of a parameter.

    Parameters
    ----------
    on : {"rate", "dropout", "a", "b"}
        `"rate"`: the mean purchase rate (alpha falls). `"dropout"`: the mean dropout rate of
        Pareto/NBD (beta falls); of BG/NBD and MBG/NBD the odds a / b (half each). `"a"`, `"b"`:
        that shape of the dropout probabilities.
    covariate : str
        Name of the column.
    value : float
        Change of the logarithm per unit of the covariate.

    Examples
    --------
    >>> from retainkit.lifetime import CovariateEffect
    >>> CovariateEffect(on="rate", covariate="web", value=0.2).name
    'rate:web'
    """

    on: Target
    covariate: str
    value: float

    @property
    def name(self) -> str:
        """Name of the effect among the parameters."""
        return f"{self.on}:{self.covariate}"


def loading_of(on: Target, law: str) -> tuple[float, float, float, float]:
    """Return the change of each log-parameter per unit of effect times covariate."""
    if on == "rate":
        return (0.0, -1.0, 0.0, 0.0)
    if on == "a":
        return (0.0, 0.0, 1.0, 0.0)
    if on == "b":
        return (0.0, 0.0, 0.0, 1.0)
    return (0.0, 0.0, 0.0, -1.0) if law == "pareto_nbd" else (0.0, 0.0, 0.5, -0.5)


def planned_effects(config: CovariateConfig, names: tuple[str, ...]) -> tuple[CovariateEffect, ...]:
    """Return the effects to be estimated, all 0."""
    rate = names if config.rate is None else config.rate
    dropout = names if config.dropout is None else config.dropout
    shapes = config.law != "pareto_nbd" and config.dropout_effects == "shapes"
    targets: tuple[Target, ...] = ("a", "b") if shapes else ("dropout",)
    plan = [("rate", name) for name in rate]
    plan += [(target, name) for target in targets for name in dropout]
    return tuple(
        CovariateEffect.model_validate({"on": on, "covariate": name, "value": 0.0})
        for on, name in plan
    )
