"""Figures without pyplot: a fixed style, and SVG that needs no font of this machine."""

from __future__ import annotations

import html
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from retainkit.errors import MissingDependencyError, NotComputableError
from retainkit.typing import Language

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def need(package: str) -> ModuleType:
    """Return an optional package; say how to install it where it is missing."""
    try:
        return import_module(package)
    except ImportError as error:
        raise MissingDependencyError(
            f"{package.partition('.')[0]} is not installed: {error}",
            rule="plots need matplotlib, the report needs matplotlib and jinja2",
            where="retainkit.report",
            fix='pip install "retainkit[report]"',
        ) from None


def check_language(language: Language) -> Language:
    """Refuse a language in which there are no texts."""
    if language not in ("en", "zh"):
        raise NotComputableError(
            f"no texts in {language!r}",
            rule='display texts are English ("en") and Simplified Chinese ("zh")',
            where="language",
            fix='language="en"',
        )
    return language


INK = "#1d2733"
MUTED = "#56636f"
RULE = "#c9d1d8"
PAPER = "#ffffff"
LOSS = "#a8401f"
FIRST, LAST = "#0b3c6f", "#b9d0e6"
"""The darkest and the lightest of the blues in which tiers, stages and rates are drawn."""

FONT_STACK = (
    "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', "
    "'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'Noto Sans SC', sans-serif"
)
"""Fonts for the browser to choose from; the last one is always there."""

_CHINESE_FONTS = (
    *("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "PingFang SC", "Hiragino Sans GB"),
    *("Microsoft YaHei", "SimHei", "WenQuanYi Micro Hei"),
)
_STYLED = (
    *("axes.", "figure.", "font.", "grid.", "hatch.", "legend.", "lines.", "patch.", "path."),
    *("savefig.", "svg.", "text.", "xtick.", "ytick."),
)
_OWN = {
    **{"font.size": 12.0, "text.color": INK, "text.parse_math": False},
    **{"axes.edgecolor": RULE, "axes.labelcolor": MUTED, "xtick.color": MUTED},
    **{"ytick.color": MUTED, "hatch.linewidth": 0.8, "svg.fonttype": "none"},
    "axes.formatter.limits": (-15, 15),  # money as it is: no 1e6 above the axis
}
_METRIC_FONT = "DejaVu Sans"  # comes with matplotlib: text is laid out alike on every machine
_LOCK = threading.RLock()


@contextmanager
def house_style(language: Language = "en", salt: str = "retainkit") -> Iterator[None]:
    """Draw with our settings, whatever the caller's are, and put theirs back."""
    matplotlib = need("matplotlib")
    fonts = [_METRIC_FONT, *(_installed_chinese_fonts() if language == "zh" else ())]
    defaults = {k: v for k, v in matplotlib.rcParamsDefault.items() if k.startswith(_STYLED)}
    own = {**_OWN, "font.family": fonts, "svg.hashsalt": salt}
    with _LOCK, matplotlib.rc_context(defaults | own):
        yield


def _installed_chinese_fonts() -> tuple[str, ...]:
    installed = need("matplotlib.font_manager").get_font_names()
    return tuple(name for name in _CHINESE_FONTS if name in installed)


def new_figure(width: float, height: float) -> Figure:
    """Return an empty white figure of `width` x `height` [px of a screen]."""
    figure: Figure = need("matplotlib.figure").Figure(
        figsize=(width / 72, height / 72), dpi=144, facecolor=PAPER
    )
    return figure


def blank_axes(figure: Figure, width: float, height: float) -> Axes:
    """Return axes over the whole figure in which one unit is one pixel, y downwards."""
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_xlim(0.0, width)
    axes.set_ylim(height, 0.0)
    axes.axis("off")
    return axes


def draw_box(
    axes: Axes, place: tuple[float, float, float, float], *, face: str = "none", **style: Any
) -> None:
    """Draw a rectangle: left, top, width, height."""
    left, top, width, height = place
    patches = need("matplotlib.patches")
    style = {"linewidth": 0.0, "edgecolor": "none"} | style
    axes.add_patch(patches.Rectangle((left, top), width, height, facecolor=face, **style))


def draw_hatched(
    axes: Axes, place: tuple[float, float, float, float], *, face: str = "#f6f7f8", ink: str = RULE
) -> None:
    """Draw a hatched rectangle: what is not known, or below zero."""
    draw_box(axes, place, face=face, hatch="////", edgecolor=ink, linewidth=0.5)


def blend(t: float, first: str = LAST, last: str = FIRST) -> str:
    """Return the colour at `t` in [0, 1] between two colours, as #rrggbb."""
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in (first, last)]
    mixed = (round(a + (b - a) * t) for a, b in zip(*ends, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def ink_on(colour: str) -> str:
    """Return black or white, whichever has the higher contrast on `colour`: at least 4.5 : 1."""
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return PAPER if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else "#000000"


def to_svg(figure: Figure, *, name: str, title: str) -> str:
    """Return the figure as one `<svg>` element, always the same; the figure is used up.

    The browser draws the letters, so no glyph is needed here: each text stands in as letters of
    about its width while matplotlib lays it out, and comes back, escaped, afterwards.
    """
    with house_style(salt=f"retainkit-{name}"):
        texts = _replace_texts(figure)
        buffer = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=nothing)
    return _clean_svg(buffer.getvalue(), texts, title)


def _replace_texts(figure: Figure) -> dict[str, str]:
    texts: dict[str, str] = {}
    for text in figure.findobj(need("matplotlib.text").Text):
        text.set_fontfamily(_METRIC_FONT)
        content = text.get_text()
        if content:
            wide = sum(1 for character in content if not character.isascii())
            token = f"zq{len(texts):04d}".ljust(len(content) + wide, "x")
            texts[token] = content
            text.set_text(token)
    return texts


def _clean_svg(svg: str, texts: dict[str, str], title: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'<g id="[^"]*"', "<g", svg).replace("xlink:href", "href")
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert size is not None
    label = html.escape(title)
    head = f'<svg viewBox="{size[0][9:-1]}" role="img" aria-label="{label}">'
    svg = re.sub(r"<svg[^>]*>", lambda _: head, svg, count=1)
    svg = svg.replace(f"'{_METRIC_FONT}'", FONT_STACK)
    return re.sub(r"zq\d{4}x*", lambda found: html.escape(texts.get(found[0], found[0])), svg)
