"""LP files: what is read and written, against other writers and readers, and malformed files."""

from contextlib import suppress
from pathlib import Path

import highspy
import numpy as np
import pytest
from docplex.mp.model import Model
from hypothesis import given, settings
from hypothesis import strategies as st
from random_models import assert_same_program, programs

from qopt.errors import InputError, ParseError
from qopt.forms import Program
from qopt.forms.lp_files import program_from_lp, program_to_lp, read_program, write_program

EXAMPLE = r"""\ Everything at once.
MAXIMIZE
 profit: x + 2 y - 3 z + 5 + [ 2 x ^ 2 + 4 x * y
   - y^2 ] / 2 - 1.5
Subject To
 c1: x + y + z <= 10 \ a comment
 c2: 2 x - z >= -4 + x
 -3 <= x + z <= 8
 longer:
   3 x
   + 2.5e-1 y
   = 3.5
 x - y >= 1 - z
 back: 10 > 2 y
Bounds
 x free
 -5 <= y <= 7
 -inf <= z <= -1
 w >= 2
 v = 3
 u <= 4
General
 z y
Binary
 b
End
whatever follows
"""


def test_everything_at_once() -> None:
    program = program_from_lp(EXAMPLE)
    assert program.sense == "maximise"
    assert program.names == ("x", "y", "z", "w", "v", "u", "b")
    assert program.linear.tolist() == [1, 2, -3, 0, 0, 0, 0]
    pairs = zip(program.row.tolist(), program.col.tolist(), program.value.tolist(), strict=True)
    assert list(pairs) == [(0, 0, 1.0), (0, 1, 2.0), (1, 1, -0.5)]
    assert program.offset == 3.5
    assert program.lower.tolist() == [-np.inf, -5, -np.inf, 2, 3, 0, 0]
    assert program.upper.tolist() == [np.inf, 7, -1, np.inf, 3, 4, 1]
    assert program.integer.tolist() == [False, True, True, False, False, False, True]
    told = [
        (c.name, dict(zip(c.indices.tolist(), c.coefficients.tolist(), strict=True)),
         c.comparator, c.rhs)
        for c in program.constraints
    ]
    assert told == [
        ("c1", {0: 1, 1: 1, 2: 1}, "<=", 10),
        ("c2", {0: 1, 2: -1}, ">=", -4),
        ("c3.low", {0: 1, 2: 1}, ">=", -3),
        ("c3.high", {0: 1, 2: 1}, "<=", 8),
        ("longer", {0: 3, 1: 0.25}, "==", 3.5),
        ("c6", {0: 1, 1: -1, 2: 1}, ">=", 1),
        ("back", {1: -2}, ">=", -10),
    ]


@settings(deadline=None, max_examples=100)
@given(programs())
def test_round_trip(program: Program) -> None:
    text = program_to_lp(program)
    assert_same_program(program_from_lp(text), program)
    assert max(map(len, text.splitlines())) <= 100


def highs_reads(path: Path) -> tuple[highspy.HighsStatus, highspy.HighsModel]:
    highs = highspy.Highs()
    highs.setOptionValue("output_flag", False)
    return highs.readModel(str(path)), highs.getModel()


@settings(deadline=None, max_examples=30)
@given(program=programs())
def test_another_reader_agrees(program: Program, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("lp") / "program.lp"
    write_program(program, path)
    status, model = highs_reads(path)
    assert status == highspy.HighsStatus.kOk
    lp = model.lp_
    order = [lp.col_names_.index(name) for name in program.names]
    assert np.array_equal(np.array(lp.col_cost_)[order], program.linear)
    assert np.array_equal(np.array(lp.col_lower_)[order], program.lower)
    assert np.array_equal(np.array(lp.col_upper_)[order], program.upper)
    assert lp.offset_ == program.offset
    assert (lp.sense_ == highspy.ObjSense.kMaximize) == (program.sense == "maximise")
    if len(lp.integrality_):
        kinds = [lp.integrality_[i] == highspy.HighsVarType.kInteger for i in order]
        assert kinds == program.integer.tolist()
    else:
        assert not program.integer.any()
    rows = {
        c.name: (-np.inf if c.comparator == "<=" else c.rhs, np.inf if c.comparator == ">=" else
                 c.rhs)
        for c in program.constraints
    }
    assert dict(
        zip(lp.row_names_, zip(lp.row_lower_, lp.row_upper_, strict=True), strict=True)
    ) == rows
    hessian = np.zeros((program.num_variables, program.num_variables))
    h = model.hessian_
    for column in range(h.dim_):
        for k in range(h.start_[column], h.start_[column + 1]):
            hessian[h.index_[k], column] = h.value_[k]
    hessian = (np.tril(hessian) + np.tril(hessian, -1).T)[np.ix_(order, order)]
    expected = np.zeros_like(hessian)
    np.add.at(expected, (program.row, program.col), program.value)
    np.add.at(expected, (program.col, program.row), program.value)
    assert hessian == pytest.approx(expected)


def test_what_docplex_writes_is_read() -> None:
    model = Model("shop")
    x, y = model.binary_var("x"), model.integer_var(-3, 5, "y y")
    z = model.continuous_var(-1e20, 1e20, "z")
    model.maximize(x + 2 * y - z + 3 * x * y + y**2 + 7)
    model.add(x + y <= 3, "c1")
    model.add(x + 2 * y == 1)
    model.add_range(-1, x + z, 5, "r")
    program = program_from_lp(model.export_as_lp_string())
    at = dict(zip(program.names, range(len(program.names)), strict=True))
    assert (program.sense, program.offset) == ("maximise", 7.0)
    values = np.zeros(len(at))
    values[at["x"]], values[at["y_y"]], values[at["z"]] = 1, 2, 4
    assert program.objective(values) == 1 + 4 - 4 + 6 + 4 + 7
    assert program.upper[at["z"]] == np.inf
    assert program.lower[at["z"]] == -np.inf
    assert program.lower[at["y_y"]] == -3


def test_what_pulp_writes_is_read(tmp_path: Path) -> None:
    program = Program.build(
        sense="maximise", linear=[3, -2, 0.5], offset=4, lower=[0, -np.inf, -1], upper=[1, 5, 9],
        integer=[True, True, False], names=["a", "b", "c"],
        constraints=[("first", [0, 1], [1, 2], "<=", 4), ("second", [1, 2], [1, -1], "==", -0.5)],
    )
    program.to_pulp()[0].writeLP(str(tmp_path / "p.lp"))
    back = read_program(tmp_path / "p.lp")
    names = dict(zip(back.names, range(3), strict=True))
    order = [names[name] for name in program.names]
    assert back.sense == "maximise"
    assert np.array_equal(back.linear[order], program.linear)
    assert np.array_equal(back.lower[order], program.lower)
    assert np.array_equal(back.upper[order], program.upper)
    assert np.array_equal(back.integer[order], program.integer)
    assert [(c.name, c.comparator, c.rhs) for c in back.constraints] == [
        ("first", "<=", 4.0), ("second", "==", -0.5)
    ]


def test_names_that_the_format_does_not_take() -> None:
    program = Program.build(
        linear=[1, 2, 3, 4, 5, 6], names=["x[1,2]", "y 2", "e5", "bin", "x_1_2", "inf"],
        constraints=[("a b", [0], 1.0, "<=", 1), ("a b", [1], 1.0, "<=", 1),
                     ("a-b", [1], 1.0, "<=", 1), ("", [2], 1.0, ">=", 0)],
    )
    text = program_to_lp(program)
    assert r"\ y_2 is 'y 2'" in text
    back = program_from_lp(text)
    assert back.names == ("x0", "y_2", "x2", "x3", "x_1_2", "x5")
    assert [c.name for c in back.constraints] == ["a_b", "c1", "c2", "c3"]
    assert np.array_equal(back.linear, program.linear)


def test_bracketed_names_are_read() -> None:
    program = program_from_lp(
        "Minimize\n x[0,1] + [ x[0,1]^2 + x[0,1] * y[a][b] ]\nSubject To\n y[a][b] >= 1\nEnd\n"
    )
    assert program.names == ("x[0,1]", "y[a][b]")
    assert program.value.tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("header", "sense"),
    [("min", "minimise"), ("MINIMISE", "minimise"), ("Maximum", "maximise"), ("max", "maximise")],
)
def test_words_for_the_sense(header: str, sense: str) -> None:
    assert program_from_lp(f"{header}\n x\nst\n x <= 1\nEND").sense == sense


def test_keywords_may_be_names_where_an_operator_follows() -> None:
    program = program_from_lp(
        "min\n obj: x\n + max\nsuch that\n st: x + max >= 1\n bounds + x <= 3\nbounds\n"
        " max <= 4\nint\n x max\nend"
    )
    assert program.names == ("x", "max", "bounds")
    assert [c.name for c in program.constraints] == ["st", "c2"]
    assert program.upper[1] == 4


def test_empty_parts() -> None:
    program = program_from_lp("Minimize\n obj:\nSubject To\n c: x >= 1\nEnd")
    assert program.linear.tolist() == [0.0]
    nothing = Program.build(linear=[0.0], constraints=[("none", [], [], "<=", 1)])
    assert_same_program(
        program_from_lp(program_to_lp(nothing)),
        nothing,
    )
    assert program_from_lp("Minimize\n 3\nEnd").offset == 3.0


def test_binaries_keep_narrower_bounds() -> None:
    program = program_from_lp("Minimize\n x + y\nBounds\n x = 1\n y <= 40\nBinary\n x y\nEnd")
    assert program.lower.tolist() == [1, 0]
    assert program.upper.tolist() == [1, 1]


HEAD = "Minimize\n obj: x + y\nSubject To\n"

BAD = [
    ("", None, "no Minimize or Maximize"),
    ("garbage\n", 1, "must come first"),
    ("\n\n3 5 7\n", 3, "must come first"),
    (HEAD + " c: x <= 1\n", 5, "without End"),
    (HEAD + " c: x + y\nEnd\n", 4, "'c' has no comparison"),
    (HEAD + " c: x <=\nEnd\n", 4, "an expression is missing"),
    (HEAD + " c: x + <= 3\nEnd\n", 4, "a number or a variable is missing before '<='"),
    (HEAD + " c: x <= nan\nEnd\n", 4, "nan is not a finite number"),
    (HEAD + " c: inf x <= 3\nEnd\n", 4, "inf is not a finite number"),
    (HEAD + " c: x <= 1e400\nEnd\n", 4, "too large"),
    (HEAD + " c: x + y =< ten\nEnd\n", 4, "'ten', which is no number"),
    (HEAD + " c: x 3 <= 4\nEnd\n", 4, r"\+ or - is missing before '3'"),
    (HEAD + " c: x <= 1 <= 2 <= 3\nEnd\n", 4, "do not make a range"),
    (HEAD + " c: 1 <= x >= 2\nEnd\n", 4, "do not make a range"),
    (HEAD + " c: [ x ^ 2 ] <= 2\nEnd\n", 4, "'c' is quadratic"),
    (HEAD + " c: b = 1 -> x <= 2\nEnd\n", 4, "indicator"),
    (HEAD + " c: x § 2\nEnd\n", 4, "'§ 2' is not understood"),
    (HEAD + " c: x / 2 <= 2\nEnd\n", 4, r"\+ or - is missing before '/'"),
    (HEAD + "Bounds\n x <= -1\nEnd\n", 5, "upper bound -1 and no lower one"),
    (HEAD + "Bounds\n 3 <= x <= 2\nEnd\n", 5, "bounds 3 > 2"),
    (HEAD + "Bounds\n x\nEnd\n", 5, "a bound is written"),
    (HEAD + "Bounds\n x <= y\nEnd\n", 5, "a bound is expected, not 'y'"),
    (HEAD + "Bounds\n x <= - y\nEnd\n", 5, "a bound is expected, not 'y'"),
    (HEAD + "Bounds\n x = inf\nEnd\n", 5, "cannot equal infinity"),
    (HEAD + "Bounds\n 1 <= x >= 2\nEnd\n", 5, "on both sides"),
    (HEAD + "Bounds\n 3 + x\nEnd\n", 5, "a bound is written"),
    (HEAD + "Generals\n x 3\nEnd\n", 5, "a variable is expected, not '3'"),
    (HEAD + "semi-continuous\n x\nEnd\n", 4, "semi-continuous variables are not supported"),
    (HEAD + "SOS\n s1: S1:: x:1 y:2\nEnd\n", 4, "special ordered sets are not supported"),
    (HEAD + "General Constraints\n a = MAX(x)\nEnd\n", 4, "general constraints are not"),
    ("Minimize\n x\nMaximize\n y\nEnd\n", 4, "two objectives"),
    ("Minimize\n x <= 3\nEnd\n", 2, "'<=' is not part of an objective"),
    ("Minimize\n [ x ^ 3 ] / 2\nEnd\n", 2, "only the square"),
    ("Minimize\n [ x ] / 2\nEnd\n", 2, r"x \^ 2 or x \* y"),
    ("Minimize\n [ x ^ 2 y ^ 2 ] / 2\nEnd\n", 2, r"\+ or - is missing before 'y'"),
    ("Minimize\n [ x ^ 2 + \nEnd\n", 2, "a variable is expected, not the end of the section"),
    ("Minimize\n [ x ^ 2 \nEnd\n", 2, "not closed"),
    ("Minimize\n [ x * 3 ]\nEnd\n", 2, "a variable is expected, not '3'"),
    ("Minimize\n [ x ^ 2 ] / 3\nEnd\n", 2, "followed by / 2"),
]


@pytest.mark.parametrize(("text", "line", "words"), BAD)
def test_malformed_files(text: str, line: int | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.lp"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ParseError, match=words) as caught:
        read_program(path)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"{path}:{line}: " if line else f"{path}: ")


def test_truncation_never_passes_for_a_program() -> None:
    text = program_to_lp(
        Program.build(linear=[1, 2], constraints=[("c", [0, 1], [3, 4], "<=", 5)], integer=False)
    )
    for length in range(len(text.rstrip()) - 1):
        with pytest.raises(ParseError):
            program_from_lp(text[:length])


@settings(deadline=None, max_examples=200)
@given(
    at=st.floats(0, 1), length=st.integers(0, 8),
    junk=st.one_of(
        st.text(max_size=4),
        st.sampled_from(["<=", "[", "]", "\n", "^ 2", "/ 2", ":", "free", "inf", "End\n", "-"]),
    ),
)
def test_damage_is_told_and_nothing_worse(at: float, length: int, junk: str) -> None:
    start = int(at * len(EXAMPLE))
    text = EXAMPLE[:start] + junk + EXAMPLE[start + length :]
    with suppress(ParseError):
        assert program_from_lp(text).num_variables >= 0


def test_files_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "bad.lp"
    path.write_bytes(b"Minimize\n x\0\nEnd")
    with pytest.raises(ParseError, match="it is not text"):
        read_program(path)
    path.write_bytes("Minimize\n \\ größer\n x\nEnd".encode("latin-1"))
    assert read_program(path).names == ("x",)
    with pytest.raises(InputError, match="cannot be read"):
        read_program(tmp_path / "missing.lp")
