"""The strategy map as SVG: plain text, deterministic, every word escaped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from retainkit.scorecard._measures import Measure, Objective, Perspective, Process
from retainkit.scorecard._template import ScorecardTemplate
from retainkit.typing import Language

if TYPE_CHECKING:
    from retainkit.scorecard._measures import ScorecardEntry

_WIDTH, _MARGIN, _HEAD = 1280, 24, 64
_LABEL = 132
_GAP, _PAD, _LINE, _SMALL, _TITLE = 14, 10, 17, 13, 19
_COLUMNS = 4
_LIGHT = {"green": "#2e7d32", "amber": "#ef9a00", "red": "#c62828", "none": "#b6bcc4"}
_ARROW = {"better": "▲", "same": "=", "worse": "▼", "none": ""}
_BAND = {
    Perspective.FINANCIAL: "#eef3fa",
    Perspective.CUSTOMER: "#eef7f1",
    Perspective.PROCESS: "#f7f4ec",
    Perspective.LEARNING: "#f4f0f8",
}
_FONT = "'Noto Sans', 'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif"


class _Row(NamedTuple):
    """A measure with its name broken into lines, and its value as shown."""

    entry: ScorecardEntry
    words: tuple[str, ...]
    shown: str


class _Box(NamedTuple):
    objective: Objective
    rows: tuple[_Row, ...]
    effects: tuple[str, ...]
    hover: str
    x: float
    y: float
    width: float
    height: float


class _Band(NamedTuple):
    perspective: Perspective
    y: float
    height: float


def draw_map(
    template: ScorecardTemplate, entries: Sequence[ScorecardEntry], *, language: Language
) -> str:
    """Return the map as an SVG document."""
    bands, boxes, height = _lay_out(template, entries, language)
    parts = [_open(height), _defs(), _headline(template, language)]
    parts += [_band(band, language) for band in bands]
    parts += _process_heads(boxes, language)
    place = {box.objective.id: box for box in boxes}
    parts += [_arrow(place[link.cause], place[link.effect]) for link in template.links]
    parts += [_box(box, language) for box in boxes]
    parts.append(_legend(language))
    return "\n".join([*parts, "</svg>"])


def _lay_out(
    template: ScorecardTemplate, entries: Sequence[ScorecardEntry], language: Language
) -> tuple[list[_Band], list[_Box], float]:
    """Place bands and boxes: each box as high as its lines need."""
    by_objective: dict[str, list[ScorecardEntry]] = {}
    for entry in entries:
        by_objective.setdefault(entry.objective.id, []).append(entry)
    names = {one.id: one for one in template.objectives}
    effects = {
        one.id: " · ".join(
            names[link.effect].name.text(language)
            for link in template.links
            if link.cause == one.id
        )
        for one in template.objectives
    }
    bands, boxes = [], []
    y = float(_MARGIN + _HEAD)
    width = (_WIDTH - 2 * _MARGIN - _LABEL - (_COLUMNS + 1) * _GAP) / _COLUMNS
    for perspective in Perspective:
        own = [one for one in template.objectives if one.perspective is perspective]
        if not own:
            continue
        top = y + _GAP + (_LINE if perspective is Perspective.PROCESS else 0)
        bottom = [top] * _COLUMNS
        for at, one in enumerate(own):
            column = at % _COLUMNS
            if one.process is not None:
                column = list(Process).index(one.process)
            room = width - 2 * _PAD
            rows = tuple(_row(entry, room, language) for entry in by_objective.get(one.id, ()))
            leads = _two_lines(f"→ {effects[one.id]}", room / 5.2) if effects[one.id] else ()
            tall = 2 * _PAD + _TITLE + _SMALL * max(len(leads), 1) + 6
            tall += sum(map(_height, rows)) if rows else _LINE
            x = _MARGIN + _LABEL + _GAP + column * (width + _GAP)
            box = _Box(one, rows, leads, effects[one.id], x, bottom[column], width, tall)
            boxes.append(box)
            bottom[column] += tall + _GAP
        bands.append(_Band(perspective, y, max(bottom) - y))
        y = max(bottom) + _GAP
    return bands, boxes, y + _MARGIN


def _open(height: float) -> str:
    """Return the opening tag and the white ground."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:.0f}" '
        f'width="{_WIDTH}" height="{height:.0f}" role="img" font-family="{_FONT}">\n'
        f'<rect width="{_WIDTH}" height="{height:.0f}" fill="#ffffff"/>'
    )


def _defs() -> str:
    """Return the tip of arrows."""
    return (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#8a94a3"/></marker></defs>'
    )


def _headline(template: ScorecardTemplate, language: Language) -> str:
    """Return the name of the map."""
    return _text(template.name.text(language), _MARGIN, _MARGIN + 28, size=24, weight=700)


def _band(band: _Band, language: Language) -> str:
    """Return the ground of a perspective with its name."""
    fill = _BAND[band.perspective]
    frame = (
        f'<rect x="{_MARGIN}" y="{band.y:.1f}" width="{_WIDTH - 2 * _MARGIN}" '
        f'height="{band.height:.1f}" rx="6" fill="{fill}"/>'
    )
    words = _wrapped(band.perspective.label.text(language), 16.0)
    first = band.y + band.height / 2 - (len(words) - 1) * 9
    lines = [
        _text(word, _MARGIN + 12, first + 18 * at + 5, size=14, weight=700)
        for at, word in enumerate(words)
    ]
    return "\n".join([frame, *lines])


def _process_heads(boxes: Sequence[_Box], language: Language) -> list[str]:
    """Name each process above its column."""
    first: dict[Process, _Box] = {}
    for box in boxes:
        if box.objective.process is not None:
            first.setdefault(box.objective.process, box)
    return [
        _text(process.label.text(language), box.x, box.y - 7, size=12, weight=700, fill="#5b6573")
        for process, box in first.items()
    ]


def _arrow(cause: _Box, effect: _Box) -> str:
    """Draw a line from the top of the cause to the bottom of the effect, or along a band."""
    if abs(cause.y - effect.y) < 1.0:
        right = effect.x > cause.x
        x1 = cause.x + cause.width if right else cause.x
        x2 = effect.x if right else effect.x + effect.width
        y = cause.y + 16
        path = f"M{x1:.1f} {y:.1f} L{x2:.1f} {effect.y + 16:.1f}"
    else:
        up = cause.y > effect.y
        x1, x2 = cause.x + cause.width / 2, effect.x + effect.width / 2
        y1 = cause.y if up else cause.y + cause.height
        y2 = effect.y + effect.height if up else effect.y
        middle = (y1 + y2) / 2
        path = f"M{x1:.1f} {y1:.1f} C{x1:.1f} {middle:.1f} {x2:.1f} {middle:.1f} {x2:.1f} {y2:.1f}"
    return (
        f'<path d="{path}" fill="none" stroke="#8a94a3" stroke-width="1.2" '
        'stroke-opacity="0.45" marker-end="url(#tip)"/>'
    )


def _box(box: _Box, language: Language) -> str:
    """Return an objective with what it helps and its measures."""
    parts = [
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" '
        f'height="{box.height:.1f}" rx="5" fill="#ffffff" stroke="#aab3bf"/>'
    ]
    room = box.width - 2 * _PAD
    title = _clipped(box.objective.name.text(language), room / 6.9)
    parts.append(_text(title, box.x + _PAD, box.y + _PAD + 13, size=13, weight=700))
    y = box.y + _PAD + _TITLE
    leads = [
        _text(words, box.x + _PAD, y + 9 + _SMALL * at, size=10, fill="#5b6573")
        for at, words in enumerate(box.effects)
    ]
    if leads:
        parts.append(f"<g><title>{escape(box.hover)}</title>{''.join(leads)}</g>")
    y += _SMALL * max(len(leads), 1) + 6
    for row in box.rows:
        parts.append(_measure(row, box.x + _PAD, y + 8, room, language))
        y += _height(row)
    if not box.rows:
        nothing = "no measure" if language == "en" else "没有指标"
        parts.append(_text(nothing, box.x + _PAD, y + 12, size=11, fill="#a02020"))
    return "\n".join(parts)


def _row(entry: ScorecardEntry, room: float, language: Language) -> _Row:
    """Return a measure with as much of its name as two lines hold beside its value."""
    value = format_value(entry.measure, entry.value)
    shown = f"{value} {_ARROW[entry.trend.value]}".strip()
    wide = sum(_glyph(c) for c in shown) * 6.4
    return _Row(entry, _two_lines(entry.measure.text(language), (room - 22 - wide) / 5.8), shown)


def _height(row: _Row) -> int:
    """Return the height of a measure's lines."""
    return _LINE + (len(row.words) - 1) * _SMALL


def _measure(row: _Row, x: float, y: float, room: float, language: Language) -> str:
    """Return a light, a name, a value and a trend."""
    entry = row.entry
    fill = "#1f2733" if entry.value is not None else "#7b8490"
    lines = [
        _text(words, x + 14, y + 4 + _SMALL * at, size=11, fill=fill)
        for at, words in enumerate(row.words)
    ]
    return (
        f"<g><title>{escape(_tooltip(entry, language))}</title>"
        + _light(entry.signal.value, x + 4, y)
        + "".join(lines)
        + _text(row.shown, x + room, y + 4, size=11, weight=700, anchor="end")
        + "</g>"
    )


def _light(signal: str, x: float, y: float) -> str:
    """Draw a light that also differs in shape: disc, diamond, square, ring."""
    colour = _LIGHT[signal]
    if signal == "amber":
        return f'<path d="M{x:.1f} {y - 5:.1f} l5 5 l-5 5 l-5 -5 z" fill="{colour}"/>'
    if signal == "red":
        return f'<rect x="{x - 4:.1f}" y="{y - 4:.1f}" width="8" height="8" fill="{colour}"/>'
    if signal == "none":
        ring = f'fill="none" stroke="{colour}" stroke-width="2"'
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" {ring}/>'
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4.5" fill="{colour}"/>'


def _tooltip(entry: ScorecardEntry, language: Language) -> str:
    """Return what is shown when the pointer rests on a measure."""
    measure = entry.measure
    parts = [measure.text(language), measure.definition.text(language)]
    if measure.target is not None:
        word = "target" if language == "en" else "目标"
        parts.append(f"{word} {format_value(measure, measure.target.value)}")
    parts.append(entry.status.value if entry.reason is None else f"{entry.status}: {entry.reason}")
    if measure.owner:
        parts.append(measure.owner)
    return " | ".join(parts)


def format_value(measure: Measure, value: float | None) -> str:
    """Return a value in the unit of its measure; a dash where it is missing."""
    if value is None:
        return "–"
    if measure.unit == "share":
        return f"{100.0 * value:.1f} %"
    if measure.unit in ("money", "count"):
        return f"{value:,.0f}"
    return f"{value:,.2f}"


def _legend(language: Language) -> str:
    """Return what lights and arrows mean."""
    words = {
        "green": ("on target", "达到目标"),
        "amber": ("short of target", "接近目标"),
        "red": ("off target", "未达目标"),
        "none": ("no target or no value", "无目标或无数值"),
    }
    trend = ("▲ better, ▼ worse than before", "▲ 比上期好，▼ 比上期差")
    shown = [(light, texts[0] if language == "en" else texts[1]) for light, texts in words.items()]
    last = trend[0] if language == "en" else trend[1]
    x, y = float(_WIDTH - _MARGIN), float(_MARGIN + 22)
    x -= _length(last, 6.4)
    parts = [_text(last, x, y + 4, size=12, fill="#5b6573")]
    for light, word in reversed(shown):
        x -= _length(word, 6.4) + 34
        parts += [_light(light, x, y), _text(word, x + 11, y + 4, size=12, fill="#5b6573")]
    return "\n".join(parts)


def _text(
    words: str,
    x: float,
    y: float,
    *,
    size: int,
    weight: int = 400,
    fill: str = "#1f2733",
    anchor: str = "start",
) -> str:
    """Return one line of text."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" font-weight="{weight}" '
        f'fill="{fill}" text-anchor="{anchor}">{escape(words)}</text>'
    )


def _glyph(character: str) -> float:
    """Return the width of a character in Latin letters: Chinese ones are about two wide."""
    return 1.9 if ord(character) > 0x2E00 else 1.0


def _length(words: str, letter: float) -> float:
    """Return the width of words."""
    return sum(map(_glyph, words)) * letter


def _two_lines(words: str, room: float) -> tuple[str, ...]:
    """Return words on at most two lines; what is left is cut."""
    lines = _wrapped(words, room)
    if len(lines) <= 2:
        return tuple(_clipped(line, room) for line in lines)
    rest = (" " if " " in words else "").join(lines[1:])
    return _clipped(lines[0], room), _clipped(rest, room)


def _clipped(words: str, room: float) -> str:
    """Return words cut to a width."""
    if sum(map(_glyph, words)) <= room:
        return words
    used, kept = 1.0, ""
    for character in words:
        used += _glyph(character)
        if used > room:
            break
        kept += character
    return f"{kept.rstrip()}…"


def _wrapped(words: str, room: float) -> list[str]:
    """Break at blanks, or between Chinese characters."""
    lines, line = [], ""
    pieces = words.split(" ") if " " in words else list(words) if _glyph(words[0]) > 1 else [words]
    joint = " " if " " in words else ""
    for piece in pieces:
        longer = f"{line}{joint}{piece}" if line else piece
        if line and sum(map(_glyph, longer)) > room:
            lines.append(line)
            line = piece
        else:
            line = longer
    return [*lines, line]
