import tomllib
from importlib.resources import files
from pathlib import Path

import dimod
import networkx as nx
import numpy as np
import pulp
import pytest
from qiskit_optimization import QuadraticProgram
from toys import write_pick

import qopt
from qopt.errors import InputError, ParseError, UnknownNameError, UsageError
from qopt.forms import Program, Qubo
from qopt.loading import as_problem, bundled, origin_of

pytestmark = pytest.mark.usefixtures("toy_registry")


def test_a_file_is_recognised_and_settings_are_parsed(tmp_path):
    problem = qopt.load(write_pick(tmp_path / "a.pick"), k="3")
    assert (problem.kind, problem.name, problem.k) == ("pick", "a", 3)
    origin = origin_of(problem)
    assert origin.kind == "pick"
    assert origin.path.endswith("a.pick")
    assert origin.settings == {"k": "3"}


def test_an_instance_file_names_data_settings_and_reference(tmp_path):
    write_pick(tmp_path / "numbers.txt")
    file = tmp_path / "small.toml"
    file.write_text(
        'kind = "pick"\ndata = "numbers.txt"\nk = 1\n'
        '[reference]\nvalue = 1\nsource = "by eye"\nproven = true\n'
    )
    problem = qopt.load(file)
    assert (problem.name, problem.k) == ("small", 1)
    assert problem.reference.value == 1.0
    assert problem.reference.proven
    assert qopt.load(file, k=4).k == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('kind = "pick"\n', "data"),
        ("kind = \n", "line 1"),
        ('kind = "pick"\ndata = "gone.txt"\n', "gone.txt"),
        ('kind = "pick"\ndata = "n.txt"\n[reference]\nvalue = "low"\n', "number"),
        ('kind = "pick"\ndata = "n.txt"\n[reference]\nvalue = 1\nvalu = 2\n', "valu"),
        ('kind = "pick"\ndata = "n.txt"\n[reference]\nvalue = nan\n', "finite number"),
        ('kind = "pick"\ndata = "n.txt"\n[reference]\nvalue = true\n', "finite number"),
        (f'kind = "pick"\ndata = "n.txt"\n[reference]\nvalue = {"9" * 400}\n', "finite number"),
        ('kind = "pick"\ndata = "n.txt"\n[reference]\nvalue = 1\nproven = "no"\n', "proven"),
        ('kind = "pick"\ndata = "n.txt"\n[reference]\nvalue = 1\nsource = 3\n', "source"),
        ('kind = 3\ndata = "n.txt"\n', "kind must be a line of text"),
        ('kind = "pick"\ndata = 3\n', "data must be a line of text"),
        ('kind = "pick"\ndata = "n.txt"\nname = 7\n', "name must be a line of text"),
        ('kind = "pick"\ndata = "n.txt"\nname = "a\\nb"\n', "name must be a line of text"),
        ('kind = "pick"\ndata = "n.txt"\nkk = 3\n', "did you mean 'k'"),
        ('kind = "pick"\ndata = "n.txt"\nk = 2.5\n', "whole number"),
        ('kind = "pikc"\ndata = "n.txt"\n', "did you mean 'pick'"),
    ],
)
def test_a_wrong_instance_file_is_refused_in_words(tmp_path, text, message):
    write_pick(tmp_path / "n.txt")
    file = tmp_path / "wrong.toml"
    file.write_text(text)
    with pytest.raises((InputError, UsageError), match=message):
        qopt.load(file)


def test_missing_empty_unknown_and_folder(tmp_path):
    with pytest.raises(InputError, match="no file"):
        qopt.load(tmp_path / "missing.pick")
    with pytest.raises(InputError, match="did you mean 'burma14'"):
        qopt.load("burma-14")
    with pytest.raises(InputError, match="folder"):
        qopt.load(tmp_path)
    (tmp_path / "empty.pick").touch()
    with pytest.raises(ParseError, match="empty"):
        qopt.load(tmp_path / "empty.pick")
    (tmp_path / "what.xyz").write_text("once upon a time")
    with pytest.raises(InputError, match="no known format"):
        qopt.load(tmp_path / "what.xyz")
    (tmp_path / "what.csv").write_text("once,upon\na,time\n")
    words = "portfolio and qubo and vrp read some: --kind portfolio"
    with pytest.raises(InputError, match=words) as caught:
        qopt.load(tmp_path / "what.csv")
    assert len(str(caught.value)) < 500 + len(str(tmp_path))
    with pytest.raises(UnknownNameError, match="pick"):
        qopt.load(write_pick(tmp_path / "a.pick"), kind="pik")


def test_a_bare_model_is_a_problem():
    qubo = as_problem(Qubo.from_arrays([1.0, -2.0]))
    assert qopt.solve(qubo, "brute").objective == -2.0
    program = as_problem(Program.build(linear=[1.0, -2.0]))
    assert program.kind == "program"
    with pytest.raises(UsageError, match="read a file"):
        as_problem("burma14.tsp")


def test_every_bundled_instance_loads_under_its_name_with_its_kind():
    entries = bundled()
    assert len({entry.name for entry in entries}) == len(entries)
    for entry in entries:
        problem = qopt.load(entry.name)
        assert problem.kind == entry.kind
        if entry.best_known is not None:
            assert problem.reference is not None, entry.name
            assert problem.reference.value == pytest.approx(entry.best_known, rel=1e-12)
            assert problem.reference.proven == entry.proven


def test_a_known_value_follows_the_data_not_the_name(tmp_path):
    text = next(e for e in bundled() if e.name == "burma14").path
    copy = tmp_path / "other-name.tsp"
    content = Path(text).read_text()
    copy.write_text(content)
    assert qopt.load(copy).reference.value == 3323
    lines = content.splitlines()
    first = next(i for i, line in enumerate(lines) if line.split()[:1] == ["1"])
    lines[first] = "1 17.00 96.10"
    copy.write_text("\n".join(lines) + "\n")
    assert qopt.load(copy).reference is None


def test_what_is_no_file_and_data_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="load reads files, not list"):
        qopt.load([1, 2])
    file = tmp_path / "a.toml"
    file.write_text('kind = "pick"\ndata = "b.pick"\n')
    with pytest.raises(ParseError, match=r"a\.toml: data = 'b\.pick': there is no file"):
        qopt.load(file)


def test_a_reference_holds_only_for_the_instance_as_written():
    assert qopt.load("sp500-10-k4").reference.value == pytest.approx(0.03108691628550432)
    assert qopt.load("sp500-10-k4", risk=0.5).reference is None
    assert qopt.load("sp500-10-k4", select="4", levels=(0.9,)).reference is not None


def test_no_value_is_laid_at_the_door_of_a_paper_that_has_another():
    known = tomllib.loads(files("qopt.instances").joinpath("known.toml").read_text())
    cuts = {row["value"]: row["source"] for row in known.values()
            if row["convention"] == "weight of the cut"}
    assert {10299.0, 9591.0} <= set(cuts)
    assert all("Benlic" not in source for source in cuts.values())


def test_models_of_other_libraries_are_solved_as_they_are():
    bqm = dimod.BinaryQuadraticModel({"a": 1.0, "b": 0.5}, {("a", "b"): 2.0}, 0.25, "SPIN")
    assert qopt.solve(bqm, "exact").objective == dimod.ExactSolver().sample(bqm).first.energy
    cqm = dimod.ConstrainedQuadraticModel.from_bqm(bqm.change_vartype("BINARY", inplace=False))
    assert isinstance(as_problem(cqm).program, Program)
    assert qopt.solve(cqm, "cpsat").objective == dimod.ExactSolver().sample(bqm).first.energy


def test_models_of_linear_programs_are_solved_as_they_are():
    program = pulp.LpProblem("most", pulp.LpMaximize)
    x = program.add_variable("x", 0, 9, "Integer")
    program += 2 * x
    program += 2 * x <= 7
    assert qopt.solve(program, "cpsat").objective == 6
    other = QuadraticProgram()
    other.integer_var(0, 9, "x")
    other.maximize(linear={"x": 2})
    assert qopt.solve(other, "cpsat").objective == 18


@pytest.mark.parametrize(
    ("item", "hint"),
    [
        (nx.path_graph(3), r"got Graph; MaxCut\.from_networkx"),
        (np.eye(3), r"got ndarray; Qubo\.from_matrix"),
        ([1], r"got list; read a file with qopt\.load"),
    ],
)
def test_what_is_no_problem_is_told_the_way(item, hint):
    with pytest.raises(UsageError, match=hint):
        qopt.solve(item)
