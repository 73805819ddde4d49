"""``bitrecall evaluate``: measure the recommendations of a release."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bitrecall.aligned_text import aligned
from bitrecall.commands.data_options import data_argument, data_options
from bitrecall.commands.options import json_option, option, releases_option
from bitrecall.results.evaluation import MEASURES

if TYPE_CHECKING:
    from bitrecall.index.releases.release import Release
    from bitrecall.training.data.read_options import ReadOptions
    from bitrecall.training.evaluation.evaluate import EvaluationReport


@click.command(
    epilog="""\b
Examples:
  bitrecall evaluate sample --releases releases
  bitrecall evaluate gowalla/ -k 50 -k 100 --json
  bitrecall evaluate events.csv --split time --test-fraction 0.1
"""
)
@data_argument
@releases_option
@option(
    "--release",
    "release_id",
    metavar="ID",
    help="Release to evaluate.",
    show_default="the current one",
)
@option(
    "-k",
    "--k",
    "ks",
    type=click.IntRange(1, 1_000_000),
    metavar="K",
    multiple=True,
    default=(20, 50, 100),
    help="Number of items to recommend to each user, the K of the metrics; may be given several "
    "times.",
)
@option(
    "--exclude-seen/--include-seen",
    default=True,
    help="Exclude the items that a user had in training, as the service does by default. With "
    "--include-seen, items that the user takes again are right answers.",
)
@option(
    "--progress/--no-progress",
    default=None,
    show_default="in a terminal",
    help="Show a progress bar on stderr.",
)
@json_option
@data_options
def evaluate(
    data: tuple[Path | str, ...],
    releases: Path,
    release_id: str | None,
    ks: tuple[int, ...],
    exclude_seen: bool,
    progress: bool | None,
    as_json: bool,
    read_options: "ReadOptions",
) -> None:
    """Measure a release on the test split of DATA.

    The command computes recommendations for every user with test items, with the release and the
    index that the service uses. Recall, NDCG, precision and hit rate are means over these users;
    the ideal list of NDCG contains the user's test items. Coverage is the share of the catalogue
    that is recommended to any user. Popularity is the mean number of training interactions of the
    recommended items.

    Users that the release does not know get the popular list, as from the service, and are
    included in the means. Test items that the release does not know count as misses.

    Test interactions that repeat a training interaction are left out, unless --include-seen is
    passed: then lists may contain items that the user had in training, as with "exclude_seen":
    false, and items that the user takes again are right answers.
    """
    import json
    from dataclasses import asdict

    from bitrecall.index.releases.store import ReleaseStore
    from bitrecall.training.data.load import load_dataset
    from bitrecall.training.errors import DataError
    from bitrecall.training.evaluation.evaluate import evaluate as evaluate_release

    store = ReleaseStore(releases)
    release = store.open_current() if release_id is None else store.open(release_id)
    dataset = load_dataset(data, read_options)
    held_out = dataset.held_out(with_repeats=not exclude_seen)
    if held_out is None:
        raise DataError("has no test split to evaluate on; create one with --split", file=data[0])
    report = evaluate_release(
        release,
        held_out,
        ks,
        exclude_seen=exclude_seen,
        progress=progress,
        split=f"test ({dataset.report.split.value})",
    )
    if as_json:
        click.echo(json.dumps({"data": dataset.name, **asdict(report)}, indent=2))
    else:
        click.echo(_as_text(report, release, dataset.name, exclude_seen))


def _as_text(report: "EvaluationReport", release: "Release", name: str, exclude_seen: bool) -> str:
    facts = {
        "release": f"{report.release}, {release.bits} bits, {release.n_items:,} items",
        "data": f"{name}, {report.split}",
        "users": f"{report.users:,} evaluated in {report.seconds:.1f} s; "
        f"{report.unknown_users:,} of them unknown to the release; "
        f"{report.skipped_users:,} skipped (no test items)",
        "pairs": f"{report.pairs:,} held out; {report.unknown_pairs:,} with items unknown to the "
        f"release; {report.seen_pairs:,} also in the training data",
    }
    lines = [f"{fact:<9}{text}" for fact, text in facts.items()]
    ks = [int(name.partition("@")[2]) for name in report.metrics if name.startswith("recall@")]
    rows = []
    for k in ks:
        *shares, popularity = (report.metrics[f"{measure}@{k}"] for measure in MEASURES)
        rows.append([str(k), *(f"{share:.5f}" for share in shares), f"{popularity:.1f}"])
    lines += ["", aligned(["K", *MEASURES.values()], rows, right=">" * 7)]
    if not exclude_seen and not report.seen_pairs:
        lines += [
            "",
            "No test interaction repeats a training interaction: items that a user had in training "
            "take places in the lists, but are never right answers.",
        ]
    if exclude_seen and report.seen_pairs:
        lines += [
            "",
            "Test pairs that are also in the training data distort the metrics. Is this the split "
            "that the release was trained with?",
        ]
    return "\n".join(lines)
