"""The sections about the base: pyramids, whale curve, cohorts, stages, what was learnt."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from retainkit._core.sentences import count
from retainkit.report.page._blocks import (
    UNDEFINED,
    Block,
    Bullets,
    Paragraph,
    Picture,
    Section,
    Table,
    money_decimals,
    tabulate,
    write_money,
    write_number,
)
from retainkit.report.page._texts import Facts, Texts, as_heading
from retainkit.report.plots._canvas import to_svg
from retainkit.report.plots._cohorts import MOST_COHORTS, plot_cohorts
from retainkit.report.plots._models import plot_frequencies, text_of
from retainkit.report.plots._tiers import plot_pyramids, plot_stages, plot_whale_curve
from retainkit.tiers import SchemeNote, TierPyramid

_LIMITS = (
    *("no_dropout", "equal_dropout", "polarised_dropout", "equal_rates"),
    *("equal_customers", "polarised_customers"),
)
"""Limits of models that there are words for."""


def describe_pyramids(facts: Facts) -> Section:
    """Return heads beside value: so far, and by what customers are graded by."""
    result, texts = facts.result, facts.texts
    shown = [("pyramids", facts.so_far, result.pyramid)]
    if facts.graded_apart:
        shown.append(("graded", facts.graded, result.value_pyramid))
    blocks: list[Paragraph | Picture | Table | Bullets] = [Paragraph(texts("pyramids_intro"))]
    for name, value, pyramid in shown:
        blocks.extend(_one_pyramid(facts, name, value, pyramid))
    blocks.append(Paragraph(texts("graded_by", value=facts.graded)))
    scheme_notes = tuple(_scheme_note(note, texts) for note in result.model.tier_scheme.notes)
    if scheme_notes:
        blocks.append(Bullets(scheme_notes))
    return Section("pyramids", texts("pyramids"), tuple(blocks))


def _scheme_note(note: SchemeNote, texts: Texts) -> str:
    words = texts.label(note.label)
    if not note.customers:
        return words
    return texts("note_customers", note=words, customers=write_number(note.customers))


def _one_pyramid(
    facts: Facts, name: str, value: str, pyramid: TierPyramid
) -> tuple[Picture, Table]:
    texts = facts.texts
    title = texts("pyramids_caption", value=value)
    caption = []
    if (pyramid.value < 0).any():
        caption.append(texts("pyramids_negative"))
    if pyramid.total <= 0:
        caption.append(texts("pyramids_undefined"))
    figure = plot_pyramids(pyramid, language=texts.language, value_name=as_heading(value))
    picture = Picture(to_svg(figure, name=name, title=title), texts.sentences(*caption))
    return picture, _pyramid_table(facts, value, pyramid)


def _pyramid_table(facts: Facts, value: str, pyramid: TierPyramid) -> Table:
    texts = facts.texts
    decimals, fine = money_decimals(pyramid.value), money_decimals(pyramid.average)
    graded = pyramid is facts.result.value_pyramid
    rows = [
        [
            texts.label(label),
            write_number(pyramid.customers[i]),
            texts.share(float(pyramid.customer_share[i])),
            write_number(pyramid.value[i], decimals),
            texts.share(float(pyramid.value_share[i])),
            write_number(pyramid.average[i], fine),
            *([_cut(facts, i)] if graded else []),
        ]
        for i, label in enumerate(pyramid.labels)
    ]
    valued = int(pyramid.valued.sum())
    rows.append(
        [
            texts("total"),
            write_number(pyramid.n),
            texts.share(1.0 if pyramid.n else None),
            write_number(pyramid.total, decimals),
            texts.share(1.0 if pyramid.total > 0 else None),
            write_number(pyramid.total / valued if valued else None, fine),
            *([""] if graded else []),
        ]
    )
    columns = [
        *texts.columns("lrr", "tier customers customer_share"),
        *((as_heading(value), True), (texts("value_share"), True), (texts("average"), True)),
        *([(texts("cut"), True)] if graded else []),
    ]
    return tabulate(texts("pyramids_caption", value=value), columns, rows, total_row=True)


def _cut(facts: Facts, tier: int) -> str:
    """Return the lower bound of a tier; the lowest and the bad have none."""
    cuts = facts.result.model.tier_scheme.cuts
    if tier >= len(cuts) or cuts[tier] is None:
        return UNDEFINED
    return write_number(cuts[tier], money_decimals(cuts))


def describe_whale(facts: Facts) -> Section:
    """Return the whale curve with the measured 80:20 remark."""
    texts, whale = facts.texts, facts.result.whale
    figure = plot_whale_curve(whale, language=texts.language, value_name=as_heading(facts.so_far))
    svg = to_svg(figure, name="whale", title=texts("whale"))
    lost = texts("whale_no_loss")
    if whale.n_unprofitable:
        lost = texts(
            "whale_lost",
            unprofitable=write_number(whale.n_unprofitable),
            share=texts.share(whale.n_unprofitable / whale.n),
            lost=write_money(whale.lost),
        )
    blocks = (Paragraph(_pareto(facts)), Picture(svg, texts("whale_caption")), Paragraph(lost))
    return Section("whale", texts("whale"), blocks)


def _pareto(facts: Facts) -> str:
    texts, whale = facts.texts, facts.result.whale
    if facts.top_20.value is None or facts.behind_80.value is None:
        return texts("pareto_undefined", total=write_money(whale.total))
    heads = int(np.ceil(round(0.2 * whale.n, 9)))
    return texts(
        "pareto",
        heads=write_number(heads),
        heads_share=texts.share(heads / whale.n),
        share=texts.share(facts.top_20.value),
        needed=write_number(facts.behind_80.numerator),
        needed_share=texts.share(facts.behind_80.value),
    )


def describe_cohorts(facts: Facts) -> Section:
    """Return the heat map of cohorts."""
    texts, cohorts = facts.texts, facts.result.cohorts
    svg = to_svg(
        plot_cohorts(cohorts, language=texts.language), name="cohorts", title=texts("cohorts")
    )
    caption = texts("cohorts_caption")
    if len(cohorts) > MOST_COHORTS:
        caption = texts.sentences(
            caption, texts("cohorts_cut", shown=MOST_COHORTS, all=len(cohorts))
        )
    blocks = (Paragraph(texts("cohorts_intro")), Picture(svg, caption))
    return Section("cohorts", texts("cohorts"), blocks)


def describe_stages(facts: Facts) -> Section:
    """Return the lifecycle stages."""
    texts = facts.texts
    figure = plot_stages(facts.result.scores.lifecycle, language=texts.language)
    svg = to_svg(figure, name="stages", title=texts("stages_caption"))
    blocks = (Paragraph(texts("stages_intro")), Picture(svg, texts("stages_caption")))
    return Section("stages", texts("stages"), blocks)


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
        learnt.append((texts("model_term", model=name, months=count(term.term_months)), term.model))
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
    columns = texts.columns("llrrr", "model_name parameter estimate standard_error customers")
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
    columns = texts.columns(
        "lrrrrrr",
        "origin_day origin_window origin_found origin_captured "
        "origin_level origin_calibration origin_noise",
    )
    return tabulate(texts("origins"), columns, rows)
