import io

import factories as make
import pytest
from rich.console import Console

from qopt.comparison import Comparison
from qopt.report import terminal


@pytest.fixture(scope="module")
def comparison():
    return Comparison(make.demo_records(), notes=["routing does not take etf-20"])


def shown(comparison, width):
    stream = io.StringIO()
    terminal.show(comparison, Console(file=stream, force_terminal=True, width=width,
                                      color_system=None))
    return stream.getvalue()


def test_plain_text_has_a_line_for_each_solver(comparison):
    lines = terminal.render(comparison).splitlines()
    start = lines.index("gaps to the optimum 3323 (proven by cpsat in this comparison)")
    header, cpsat = lines[start + 1].split("  "), lines[start + 2]
    assert header[0] == "solver"
    assert cpsat.split() == [
        "cpsat", "5", "5/5", "3323", "3323", "0", "/", "0", "5/5", "optimal", "0.80", "0.26",
        "0.80", "0.16", "0.000018", "–",
    ]
    assert [line.split()[0] for line in lines[start + 2 : start + 9]] == [
        "cpsat", "routing", "sa", "qaoa:device=statevector,p=2", "qaoa:device=aer:torino,p=2",
        "random", "exact",
    ]
    assert "\x1b" not in terminal.render(comparison)


def test_plain_text_says_everything_and_marks_estimates(comparison):
    text = terminal.render(comparison)
    for sentence in [*comparison.summary, "note: routing does not take etf-20"]:
        assert sentence in text
    for instance in comparison.instances:
        assert all(sentence in text for sentence in instance.findings.sentences)
    assert all(f"{flag.code}: {flag.text}" in text for flag in comparison.flags)
    assert "~3.77" in text
    assert "~ an estimate: the device was simulated" in text
    assert "ec2-m7g.large" in text


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160])
def test_no_figure_is_cut_on_a_narrow_terminal(comparison, width):
    text = shown(comparison, width)
    assert "…" not in text
    assert all(len(line.rstrip()) <= width for line in text.splitlines())
    for figure in ("0.000018", "5.12 / 11.5", "~3.77", "-0.000993784"):
        assert figure in text


def test_a_narrow_terminal_repeats_the_solver_in_every_part(comparison):
    assert shown(comparison, 160).count("routing ") < shown(comparison, 60).count("routing ")


def test_output_that_is_no_terminal_is_plain(comparison):
    stream = io.StringIO()
    terminal.show(comparison, Console(file=stream))
    assert stream.getvalue() == terminal.render(comparison)


def test_names_that_look_like_markup_are_shown_as_they_are():
    comparison = Comparison(make.runs([1.0], solver="[red]x[/red]",
                                      facts=make.instance("[bold]name[/bold]")))
    text = shown(comparison, 120)
    assert "[red]x[/red]" in text
    assert "[bold]name[/bold]" in text


def test_absolute_gaps_where_percent_means_nothing():
    comparison = Comparison([*make.optimal(-1.0), *make.runs([2.0, 3.0])])
    line = next(x for x in terminal.render(comparison).splitlines() if x.startswith("sa "))
    assert "3 / 3.5" in line
    assert "gap %" not in terminal.render(comparison)


def test_nothing_to_show():
    assert "0 instances" in terminal.render(Comparison([]))


def test_why_a_run_gave_no_answer_is_said():
    text = terminal.render(Comparison([*make.optimal(1.0), make.refused()]))
    assert "exact: exact enumeration takes at most 28 variables, the model has 169" in text


def test_best_samples_stand_beside_answers_that_were_made_of_them(comparison):
    records = [*make.optimal(100.0), *make.polished(make.quantum([110.0] * 5), [104.0] * 5)]
    lines = terminal.render(Comparison(records)).splitlines()
    assert "best sample" in lines[2]
    qaoa = next(line for line in lines if line.startswith("qaoa"))
    assert qaoa.split()[1:6] == ["5", "5/5", "104", "104", "110"]
    assert any(line.startswith("post-processing: best, median and gap are") for line in lines)
    plain = terminal.render(comparison)
    assert "best sample" not in plain
    assert "post-processing" not in plain
