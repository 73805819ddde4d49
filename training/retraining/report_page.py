"""The report of a retraining run as one self-contained HTML page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

from bitrecall.index.releases.retraining_status import Outcome
from bitrecall.training.retraining.gate import Verdict
from bitrecall.training.retraining.report import Report
from bitrecall.training.retraining.svg_plots import bars_with_intervals, line

_GOOD = (Outcome.PUBLISHED, Outcome.WOULD_PUBLISH)
_NAMES = {
    "pairs": "pairs to train on",
    "new_pairs": "new pairs",
    "users": "users",
    "items": "items",
    "pairs_of_files": "pairs from files",
    "events": "events read",
    "events_taken": "events that add a pair",
    "events_hidden": "events that hide an item",
    "events_repeated": "events that repeat a pair",
    "events_of_unknown_users": "events by new users",
    "events_of_unknown_items": "events for new items",
    "events_over": "events left out: user above the limit",
    "events_unusable": "events left out: not usable",
    "forgotten": "users forgotten",
    "events_id": "id of the events database",
    "after_event": "events after number",
    "last_event": "last event number",
    "read_from_start": "reason for reading all events",
}

# Shown as tables of their own.
_LISTED = ("flooding", "unusable")


def page_of(report: Report, before: Sequence[Mapping[str, Any]]) -> str:
    """Return the page of a report.

    Args:
        report: the report of the run.
        before: earlier reports, oldest first.
    """
    template = Template((files("bitrecall.training.retraining") / "page.html").read_text("utf-8"))
    sections = [
        _section("Data", _came_in(report.data)),
        _section("Checks", _checks(report)) if report.checks else "",
        _section("Training", _training(report)) if report.training else "",
        _section("Comparison", _judgement(report.verdict)) if report.verdict else "",
        _section("Trace", f"<pre>{escape(report.trace)}</pre>") if report.trace else "",
        _section("Earlier runs", _run_table([*before, _as_past_run(report)])),
        _section("Thresholds", _table(sorted(report.settings.items()))),
    ]
    return template.substitute(
        title=escape(f"Retraining of {report.started[:10]}: {report.outcome}"),
        kind="good" if report.outcome in _GOOD else "bad",
        outcome=escape(report.outcome),
        reason=escape(report.reason),
        facts=_table(
            [
                ["started", report.started],
                ["finished", report.finished],
                ["release served before", report.parent or "none"],
                ["release published", report.release or "none"],
                ["releases removed", ", ".join(report.removed) or "none"],
            ]
        ),
        sections="\n".join(sections),
    )


def _came_in(data: Mapping[str, Any]) -> str:
    simple = {name: value for name, value in data.items() if name not in _LISTED}
    html = _table([[_NAMES.get(name, name), value] for name, value in simple.items()])
    if flooding := data.get("flooding"):
        html += "<h3>Users who sent too many events</h3>"
        html += _table(flooding.items(), ["user", "events"])
    if unusable := data.get("unusable"):
        html += "<h3>First events that cannot be used</h3>"
        html += _table([list(one.values()) for one in unusable], list(unusable[0]))
    return html


def _section(title: str, content: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{content}</section>"


def _table(rows: Iterable[Sequence[object]], titles: Sequence[str] = ()) -> str:
    head = "".join(f'<th scope="col">{escape(title)}</th>' for title in titles)
    lines = []
    for first, *rest in rows:
        cells = "".join(f"<td>{escape(_plain(value))}</td>" for value in rest)
        lines.append(f'<tr><th scope="row">{escape(str(first))}</th>{cells}</tr>')
    return f"<table>{f'<thead><tr>{head}</tr></thead>' if head else ''}{''.join(lines)}</table>"


def _plain(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _checks(report: Report) -> str:
    rows = [
        ["passed" if check.passed else "FAILED", check.name, check.found, check.bound, check.says]
        for check in report.checks
    ]
    return _table(rows, ["", "check", "value", "threshold", "details"])


def _training(report: Report) -> str:
    names = {
        "candidate": "candidate, without the held-out pairs",
        "release": "release, with all pairs",
    }
    titles = ["", "started", "epochs", "seconds", "new users", "new items"]
    rows, losses = [], {}
    for phase, fit in report.training.items():
        if "seconds" not in fit:
            continue
        start = (
            "warm"
            if fit["warm"]
            else f"from scratch: {fit.get('from_scratch_because') or 'no parent'}"
        )
        epochs = f"{fit['epochs']} of {fit['epochs_wanted']}"
        rows.append(
            [
                *(names.get(phase, phase), start, epochs, fit["seconds"]),
                *(fit["new_users"], fit["new_items"]),
            ]
        )
        losses[names.get(phase, phase)] = fit["losses"]
    return _table(rows, titles) + line(losses, "epoch", "loss")


def _judgement(verdict: Verdict) -> str:
    rows = [
        [
            name,
            verdict.parent[name],
            verdict.candidate[name],
            f"{change.mean:+.4f}",
            f"{change.low:+.4f} to {change.high:+.4f}",
        ]
        for name, change in verdict.differences.items()
    ]
    asked = f"<p>{verdict.users:,} users and their {verdict.pairs:,} latest pairs.</p>"
    titles = ["", "parent", "candidate", "difference", "95% of resamples"]
    changes = {name: (one.mean, one.low, one.high) for name, one in verdict.differences.items()}
    return asked + _table(rows, titles) + bars_with_intervals(changes, "candidate minus parent")


def _as_past_run(report: Report) -> Mapping[str, Any]:
    metric = str(report.settings.get("gate_metric", "recall@50"))
    return {
        "started": report.started,
        "outcome": str(report.outcome),
        "reason": report.reason,
        "data": report.data,
        "settings": {"gate_metric": metric},
        "verdict": None
        if report.verdict is None
        else {"candidate": dict(report.verdict.candidate), "parent": dict(report.verdict.parent)},
    }


def _run_table(runs: Sequence[Mapping[str, Any]]) -> str:
    rows: list[list[object]] = []
    series: dict[str, list[float]] = {"candidate": [], "parent": []}
    for run in runs:
        metric = run.get("settings", {}).get("gate_metric", "recall@50")
        verdict = run.get("verdict") or {}
        found = {who: verdict.get(who, {}).get(metric) for who in series}
        data = run.get("data", {})
        rows.append(
            [
                *(run.get("started", ""), run.get("outcome", ""), data.get("new_pairs")),
                *(found["parent"], found["candidate"]),
            ]
        )
        if found["parent"] is not None and found["candidate"] is not None:
            for who, values in series.items():
                values.append(found[who])
    titles = ["started", "outcome", "new pairs", "parent", "candidate"]
    picture = line(series, "run", "deciding metric") if len(series["parent"]) > 1 else ""
    return _table(reversed(rows), titles) + picture
