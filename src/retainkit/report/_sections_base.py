"""The sections about the base: pyramids, whale curve, cohorts, stages."""

from __future__ import annotations

import numpy as np

from retainkit.report._blocks import Bullets, Paragraph, Picture, Section, Table, tabulate
from retainkit.report._canvas import to_svg
from retainkit.report._cohorts import MOST_COHORTS, plot_cohorts
from retainkit.report._facts import Facts, as_heading
from retainkit.report._numbers import (
    UNDEFINED,
    money_decimals,
    write_money,
    write_number,
)
from retainkit.report._pyramids import plot_pyramids
from retainkit.report._stages import plot_stages
from retainkit.report._texts import Texts
from retainkit.report._whale import plot_whale_curve
from retainkit.tiers import SchemeNote, TierPyramid


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
        *((texts("tier"), False), (texts("customers"), True), (texts("customer_share"), True)),
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
