import re
from xml.etree import ElementTree

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from bitrecall.reproduction.axes import Label, label_ends, spread_out
from bitrecall.reproduction.findings import PageData
from bitrecall.reproduction.pages import PLOTS, plots_of
from bitrecall.reproduction.plan import parse_plan
from bitrecall.reproduction.plots import draw, draw_png
from bitrecall.reproduction.published_results import load_published

pytestmark = pytest.mark.slow

PLAN = """
[[study]]
part = "gowalla/study/worth"
title = "Worth"
recipe = "sample"
minutes = 1
variant.whole.label = "Bitrecall"
variant.without.label = "no teacher"
variant.better.label = "more of it"

[[study]]
part = "gowalla/study/loss"
title = "The loss"
recipe = "sample"
minutes = 1
variant.softmax = {}
"""


@pytest.fixture
def findings(row):
    course = [
        {"phase": "v", "epoch": k, "seconds": 60 * k, "loss": 1, "metrics": {"recall@50": k / 10}}
        for k in (1, 2)
    ]
    rows = [
        row("gowalla/bitrecall/64", recall=0.2, study="bits"),
        row("gowalla/bitrecall/256", recall=0.27),
        row("gowalla/lightgcn/2048", recall=0.28, similarity="inner_product"),
        row("yelp2018/proposed/256", recall=0.1),
        row("gowalla/study/worth/without", recall=0.15),
        row("gowalla/study/worth/better", recall=0.21),
        row("gowalla/study/worth/whole", recall=0.2),
        row("gowalla/study/loss/softmax", curve=course),
    ]
    return PageData(parse_plan(PLAN, "plan"), rows, load_published())


def texts(svg):
    root = ElementTree.fromstring(svg)
    return [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", PLOTS)
def test_the_same_results_give_the_same_small_file(findings, name):
    svg = draw(name, findings)
    assert svg == draw(name, findings)
    assert not re.search(r"<dc:date>|matplotlib\.org", svg)
    assert len(svg) < 60_000
    assert draw_png(name, findings).startswith(b"\x89PNG")


@pytest.mark.parametrize("name", PLOTS)
def test_draws_only_plots_with_data(findings, name):
    assert name in plots_of(findings)
    assert plots_of(PageData(findings.plan, [], findings.published)) == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("bits", ["Gowalla", "Yelp2018", "bits per code", "Recall@50", "64", "256", "Bitrecall"]),
        ("time", ["wall time of the run, minutes", "LightGCN in floats", "Proposed"]),
        ("curves", ["epoch", "smooth-recall loss", "Bitrecall, Gowalla", "softmax"]),
        ("worth", ["no teacher", "−25.0%", "+5.0%", "Gowalla: Bitrecall has Recall@50 .2000"]),
    ],
)
def test_plots_have_titles_and_labels(findings, name, expected):
    assert set(expected) <= set(texts(draw(name, findings)))


def test_the_bits_plot_leaves_out_float_methods(findings):
    assert "2,048" not in texts(draw("bits", findings))


def test_curve_labels_are_beside_the_axes_and_do_not_overlap():
    figure = Figure(layout="constrained")
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    ends = [(0.2, 0.5), (0.9, 0.5), (0.5, 0.51), (0.5, 0.1)]
    label_ends(axes, [Label(x, y, f"curve {x} {y}", "black") for x, y in ends])
    canvas.draw()
    # An annotation's own extent takes in the line to the end of the curve.
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    for box in boxes:
        assert box.x0 > axes.get_window_extent().x1
        assert not [other for other in boxes if other is not box and other.overlaps(box)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], []),
        ([1.0, 5.0], [1.0, 5.0]),
        ([1.0, 1.0], [0.5, 1.5]),
        ([3.0, 1.0, 1.2], [3.0, 0.6, 1.6]),
        ([0.0, 0.9, 1.8], [-0.1, 0.9, 1.9]),
    ],
)
def test_spreads_labels_evenly_in_their_order(values, expected):
    assert spread_out(values, 1.0) == pytest.approx(expected)
