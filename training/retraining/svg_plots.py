"""Small plots as SVG inside a page; they take their colours from its style."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

_WIDTH: Final = 640
_HEIGHT: Final = 220
_LEFT: Final = 70
_EDGE: Final = 26
_ROW: Final = 26


def line(series: Mapping[str, Sequence[float]], across: str, up: str) -> str:
    """Lines over 1, 2, 3 …; empty where there is nothing to draw.

    Args:
        series: values by name, in order.
        across: what is counted.
        up: what the values are.
    """
    drawn = {name: list(values) for name, values in series.items() if len(values)}
    if not drawn:
        return ""
    every = [value for values in drawn.values() for value in values]
    low, high = min(every), max(every)
    longest = max(len(values) for values in drawn.values())
    parts = [*_frame(low, high, across, up, longest)]
    for number, (name, values) in enumerate(drawn.items()):
        points = [
            (_across(place, longest), _up(value, low, high)) for place, value in enumerate(values)
        ]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline class="s{number}" points="{path}"/>')
        parts += [
            f'<circle class="s{number}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points
        ]
        label = _LEFT + 8 + 260 * number
        parts.append(f'<text class="s{number}" x="{label}" y="16">{escape(name)}</text>')
    return _svg(parts, _HEIGHT, f"{up} by {across}")


def bars_with_intervals(changes: Mapping[str, tuple[float, float, float]], what: str) -> str:
    """A row for each name: a mean, and an interval around it, on an axis with 0 in it.

    Args:
        changes: mean, low and high by name.
        what: they are.
    """
    if not changes:
        return ""
    ends = [0.0, *(value for change in changes.values() for value in change)]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    scale = (_WIDTH - _LEFT - 40 - _EDGE) / span

    def place(value: float) -> float:
        return _LEFT + 40 + (value - low) * scale

    height = _ROW * len(changes) + 2 * _EDGE
    parts = [
        f'<line class="axis" x1="{place(0):.1f}" x2="{place(0):.1f}" y1="8" y2="{height - 22}"/>',
        f'<text class="axis" x="{place(0):.1f}" y="{height - 6}" text-anchor="middle">0</text>',
    ]
    for number, (name, (mean, least, most)) in enumerate(changes.items()):
        y = _EDGE + _ROW * number
        kind = "s0" if least > 0 else "s1" if most < 0 else "axis"
        parts += [
            f'<text class="axis" x="0" y="{y + 4}">{escape(name)}</text>',
            f'<line class="{kind} wide" x1="{place(least):.1f}" x2="{place(most):.1f}" '
            f'y1="{y}" y2="{y}"/>',
            f'<circle class="{kind}" cx="{place(mean):.1f}" cy="{y}" r="4"/>',
        ]
    return _svg(parts, height, what)


def _across(place: int, count: int) -> float:
    return _LEFT + (_WIDTH - _LEFT - _EDGE) * (place / (count - 1) if count > 1 else 0.5)


def _up(value: float, low: float, high: float) -> float:
    share = (value - low) / (high - low) if high > low else 0.5
    return _HEIGHT - _EDGE - share * (_HEIGHT - 2 * _EDGE)


def _frame(low: float, high: float, across: str, up: str, longest: int) -> list[str]:
    bottom, right = _HEIGHT - _EDGE, _WIDTH - _EDGE
    ticks = [low, (low + high) / 2, high] if high > low else [low]
    return [
        f'<line class="axis" x1="{_LEFT}" x2="{right}" y1="{bottom}" y2="{bottom}"/>',
        f'<line class="axis" x1="{_LEFT}" x2="{_LEFT}" y1="{_EDGE}" y2="{bottom}"/>',
        *(
            f'<text class="axis" x="{_LEFT - 6}" y="{_up(tick, low, high) + 4:.1f}" '
            f'text-anchor="end">{tick:.4g}</text>'
            for tick in ticks
        ),
        f'<text class="axis" x="{right}" y="{_HEIGHT - 8}" text-anchor="end">'
        f"{escape(across)} {longest}</text>",
        f'<text class="axis" x="{_LEFT}" y="{_HEIGHT - 8}">{escape(up)}</text>',
    ]


def _svg(parts: Sequence[str], height: int, title: str) -> str:
    return (
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
