"""The section about what was learnt: parameters, and how well they fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from retainkit.report._blocks import Block, Bullets, Paragraph, Picture, Section, Table, tabulate
from retainkit.report._canvas import to_svg
from retainkit.report._facts import Facts
from retainkit.report._lifetime_plots import text_of
from retainkit.report._lifetime_surfaces import plot_frequencies
from retainkit.report._numbers import UNDEFINED, write_number

_LIMITS = (
    *("no_dropout", "equal_dropout", "polarised_dropout", "equal_rates"),
    *("equal_customers", "polarised_customers"),
)
"""Limits of models that there are words for."""


def describe_model(facts: Facts) -> Section | None:
    """Return the models of the run; None where the base supported none."""
    texts, model = facts.texts, facts.result.model
    learnt: list[tuple[str, Any]] = []
    if model.purchase_model is not None:
        learnt.append((text_of(model.purchase_model.kind, texts.language), model.purchase_model))
    if model.spend_model is not None:
        learnt.append((texts("model_gamma_gamma"), model.spend_model))
    for term in model.contract_terms:
        name = texts(f"model_{term.model.kind}")
        learnt.append((texts("model_term", model=name, months=term.term_months), term.model))
    if not learnt:
        return None
    blocks: list[Block] = [Paragraph(texts("model_intro"))]
    if model.purchase_model_reason:
        blocks.append(Paragraph(model.purchase_model_reason))
    blocks.append(_parameters(facts, learnt))
    limits = tuple(dict.fromkeys(_limits(facts, learnt)))
    blocks += [Bullets(limits)] if limits else []
    blocks.extend(_fit(facts))
    if model.forecast is not None and model.forecast.origins:
        blocks.append(_evidence(facts))
    return Section("model", texts("model"), tuple(blocks))


def _parameters(facts: Facts, learnt: list[tuple[str, Any]]) -> Table:
    """Give the estimates; a parameter that runs to a limit of its model has none."""
    texts, rows = facts.texts, []
    for name, model in learnt:
        errors = model.standard_errors
        for parameter, value in model.parameters.items():
            error = None if errors is None else errors.get(parameter)
            ends = len(model.boundary) > 0 and (error is None or np.isnan(error))
            rows.append(
                (
                    name,
                    parameter,
                    texts("at_bound") if ends else write_number(value, 4),
                    UNDEFINED if error is None else write_number(error, 4),
                    write_number(model.n),
                )
            )
    columns = (
        *((texts("model_name"), False), (texts("parameter"), False), (texts("estimate"), True)),
        *((texts("standard_error"), True), (texts("customers"), True)),
    )
    return tabulate(texts("model_parameters"), columns, rows)


def _limits(facts: Facts, learnt: list[tuple[str, Any]]) -> Iterator[str]:
    """Say what the limits mean that the models lie on."""
    texts = facts.texts
    for name, model in learnt:
        for limit in model.boundary:
            if limit in _LIMITS:
                yield f"{name}: {texts(f'limit_{limit}')}"


def _fit(facts: Facts) -> Iterator[Block]:
    """Draw how often customers came back, actual and as the model expects it."""
    result, texts = facts.result, facts.texts
    model = result.model.purchase_model
    if model is None or model.kind == "covariates":  # expected for each customer on its own
        return
    history = result.history.with_unit(model.unit)
    figure = plot_frequencies(model, history, language=texts.language)
    title = texts("model_frequencies")
    yield Picture(to_svg(figure, name="frequencies", title=title), title)


def _evidence(facts: Facts) -> Table:
    """Give how earlier forecasts did, day by day."""
    texts, forecast = facts.texts, facts.result.model.forecast
    assert forecast is not None
    rows = [
        (
            one.day.isoformat(),
            write_number(one.window_days),
            UNDEFINED if one.found is None else texts.share(one.found),
            UNDEFINED if one.captured is None else texts.share(one.captured),
            write_number(one.expected / one.actual, 2),
            write_number(one.calibration_error, 3),
            write_number(one.noise_floor, 3),
        )
        for one in forecast.origins
    ]
    columns = (
        *((texts("origin_day"), False), (texts("origin_window"), True)),
        *((texts("origin_found"), True), (texts("origin_captured"), True)),
        *((texts("origin_level"), True), (texts("origin_calibration"), True)),
        (texts("origin_noise"), True),
    )
    return tabulate(texts("origins"), columns, rows)
