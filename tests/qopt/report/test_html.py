import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import factories as make
import pytest

from qopt.comparison import Comparison
from qopt.report import html
from qopt.solver import PHASES, Span

NASTY = '<script>alert("x")</script>\' onload="y" & co'


class Page(HTMLParser):
    """Collects elements and attributes, and checks that elements are closed in order."""

    VOID = frozenset({"meta", "br", "wbr"})

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], []
        self.feed(text)
        self.close()
        assert self.open == [], f"left open: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not self.open or self.open[-1] not in ("style", "script"):
            self.text.append(data)

    @property
    def words(self):
        return " ".join(self.text)

    def count(self, tag, **attributes):
        return sum(
            name == tag and attributes.items() <= found.items() for name, found in self.elements
        )


@pytest.fixture(scope="module")
def comparison():
    return Comparison(make.demo_records(), notes=["routing does not take etf-20"])


@pytest.fixture(scope="module")
def text(comparison):
    return html.render(comparison)


def test_the_page_needs_nothing_from_outside(text):
    assert text.startswith("<!doctype html>")
    page = Page(text)
    assert page.count("script") == 1
    assert page.count("link") == page.count("img") == page.count("iframe") == 0
    for _, attributes in page.elements:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in text
    assert "@import" not in text
    policy = next(a["content"] for t, a in page.elements if a.get("http-equiv"))
    assert "default-src 'none'" in policy


def test_every_link_inside_the_page_has_its_place(text):
    page = Page(text)
    places = {a["id"] for _, a in page.elements if "id" in a}
    targets = {a["href"][1:] for t, a in page.elements if t == "a"}
    assert targets
    assert targets <= places


def test_the_page_says_what_the_comparison_says(comparison, text):
    words = Page(text).words
    for sentence in [*comparison.summary, *comparison.notes]:
        assert sentence in words
    for flag in comparison.flags:
        assert flag.text in words
    for instance in comparison.instances:
        assert instance.name in words
        for sentence in instance.findings.sentences:
            assert sentence in words
    assert comparison.price_lists[0] in words
    assert "Example CPU 3.0 GHz, 2 cores" in words
    assert "qopt compare instances/burma14.tsp" in words


def test_every_run_is_a_dot_or_a_cross(comparison, text):
    page = Page(text)
    dots = sum((a.get("class") or "").startswith("dot") for _, a in page.elements)
    answered = sum(row.answered for i in comparison.instances for row in i.rows)
    attempted = sum(row.attempted for i in comparison.instances for row in i.rows)
    assert dots == answered
    assert page.count("path", **{"class": "cross"}) == attempted - answered == 2


def test_plots_are_well_formed_and_inside_their_frame(text):
    plots = re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL)
    assert len(plots) == 16  # four instances, four plots each
    for plot in plots:
        root = ElementTree.fromstring(plot)
        width, height = (float(n) for n in root.get("viewBox").split()[2:])
        for element in root.iter():
            for name, most in (("cx", width), ("x", width), ("x1", width), ("cy", height),
                               ("y", height), ("y1", height)):
                if (value := element.get(name)) is not None:
                    assert 0 <= float(value) <= most, (element.tag, name, value)


def test_estimates_are_marked(text):
    page = Page(text)
    assert "~3.77" in page.words
    assert page.count("path", **{"class": "money estimate"}) == 4


def test_tables_can_be_sorted(comparison, text):
    page = Page(text)
    assert page.count("table", **{"class": "sortable"}) == 3 * len(comparison.instances) + 1
    assert page.count("button") == page.count("th", scope="col")
    numbers = [a.get("data-sort") for t, a in page.elements
               if t == "td" and a.get("class") == "number" and a.get("data-sort")]
    assert numbers
    assert all(float(value) == float(value) for value in numbers)


def test_everything_from_records_is_escaped():
    facts = make.instance(
        NASTY, kind=NASTY, path=NASTY, size={NASTY: NASTY}, settings={"a": NASTY},
        reference=make.reference(1, NASTY),
    )
    environment = {**make.ENVIRONMENT, "processor": NASTY, "packages": {NASTY: NASTY}}
    records = [
        make.record(1.0, facts=facts, solver=NASTY, options={"x": NASTY}, environment=environment,
                    solver_version=NASTY, price_list=NASTY),
        make.record(None, facts=facts, solver=NASTY, reason=NASTY),
        *make.quantum([2.0], facts=facts, usage=make.device_usage(device=NASTY)),
    ]
    text = html.render(Comparison(records, notes=[NASTY]))
    page = Page(text)
    assert page.count("script") == 1
    assert not any("onload" in attributes for _, attributes in page.elements)
    assert "<script>alert" not in text
    assert NASTY in page.words
    for plot in re.findall(r"<svg.*?</svg>", text, flags=re.DOTALL):
        ElementTree.fromstring(plot)


def test_a_page_of_many_runs_stays_light():
    records = []
    for i in range(6):
        facts = make.instance(f"instance-{i}")
        for solver in "abcdef":
            trace = {"incumbents": [[0.001 * k, 500.0 - 0.1 * k] for k in range(1, 2000)],
                     "bounds": []}
            records += make.runs([300.1 + s for s in range(40)], facts=facts, solver=solver,
                                 trace=trace)
    assert len(records) == 1440
    assert len(html.render(Comparison(records)).encode()) < 2_000_000


def test_too_many_runs_are_not_listed(monkeypatch, comparison):
    monkeypatch.setattr(html, "MOST_RUNS_LISTED", 10)
    assert "too many to list" in Page(html.render(comparison)).words


@pytest.mark.parametrize(
    "records",
    [
        [],
        [make.refused()],
        [make.crashed()],
        make.runs([None, None]),
        make.runs([0.0, 0.0]),
        make.runs([5.0], trace={"incumbents": [[0.0, 5.0]], "bounds": []}),
        [*make.optimal(0.0), *make.runs([1e-12, 1e12, -3.0])],
        [*make.optimal(1e-9), *make.runs([1e9])],
        make.runs([1.0], usage=make.Usage(), money=[], wall=0.0, started="", environment={}),
    ],
)
def test_odd_records_still_give_a_page(records):
    page = Page(html.render(Comparison(records)))
    assert "nan" not in " ".join(str(a) for _, a in page.elements)
    assert "Comparison of solvers" in page.words


def test_an_objective_across_zero_is_plotted_as_it_is():
    text = html.render(Comparison([*make.optimal(-1.0), *make.runs([2.0, 3.0])]))
    assert "objective (smaller is better)" in text
    assert "gap to the optimum, %" not in text


def test_what_post_processing_made_is_told_apart_from_the_samples():
    usage = make.device_usage()
    usage.phases["postprocess"] = Span(0.25, 0.25)
    records = [
        *make.optimal(100.0),
        *make.polished(make.quantum([110.0] * 5, usage=usage), [104.0] * 5, "repair and descent"),
        *make.floor([120.0] * 5),
    ]
    page = Page(html.render(Comparison(records)))
    assert page.count("td", title="110.0") == 2  # best sample, in both tables
    assert page.count("td", title="5 of 5 answers made by post-processing") == 1
    assert "104 (repair and descent)" in page.words
    assert "by post-processing, 3.25 s" in page.words  # the dots of the runs
    assert "postprocess CPU s" in page.words
    number = PHASES.index("postprocess")
    assert page.count("span", **{"class": f"key square p{number}"}) == 1


def test_every_phase_has_a_colour_in_both_schemes(text):
    for number in range(len(PHASES)):
        assert text.count(f"--p{number}: #") == 2
        assert f".p{number} {{" in text


def test_no_word_of_post_processing_where_there_was_none(text):
    page = Page(text)
    assert "(descent)" not in page.words
    assert page.count("button", title="best objective of a feasible sample, before any "
                      "post-processing") == 4  # circuits and samples of each instance
