"""Options read from signatures: types, defaults, help, and values that do not fit."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from qopt.errors import UnknownNameError, UsageError
from qopt.options import check_options, options_of, split_assignments


@dataclass(frozen=True, kw_only=True)
class Solver:
    """Something with options.

    Parameters
    ----------
    p : int
        Layers of the circuit,
        at least 1.

        More text that is no part of the help.
    angles, start : tuple of float
        Where to begin.
    mixer : {"x", "ring"}
        What moves.
    shots : int, optional
        How often.

    Raises
    ------
    p : int
        Not this one.
    """

    p: int = 1
    angles: tuple[float, ...] = ()
    start: tuple[float, float] = (0.0, 1.0)
    mixer: Literal["x", "ring"] = "x"
    shots: int | None = None
    exact: bool = False
    tail: float | Literal["auto"] = 0.1
    device: str | None = None


def load(path: str, *, needed: int, rate: float = 0.5) -> None:
    """Load.

    Parameters
    ----------
    path : str
        Positional, and so no option.
    needed : int
        What you must say.
    """


def convert(name: str, value: object) -> object:
    return check_options(Solver, {name: value}, "solver 'it'")[name]


# -- reading the signature --------------------------------------------------------------------


def test_options_come_from_the_signature_and_help_from_the_docstring() -> None:
    options = options_of(Solver)
    assert list(options) == [
        "p", "angles", "start", "mixer", "shots", "exact", "tail", "device"
    ]
    assert options["p"].help == "Layers of the circuit, at least 1."
    assert options["angles"].help == options["start"].help == "Where to begin."
    assert options["exact"].help == ""
    assert options["p"].default == 1
    assert not options["p"].required
    assert options["shots"].annotation == int | None


def test_positional_parameters_are_no_options() -> None:
    options = options_of(load)
    assert list(options) == ["needed", "rate"]
    assert options["needed"].required


def test_a_target_without_a_docstring() -> None:
    def bare(*, k: int = 1) -> None: ...

    assert options_of(bare)["k"].help == ""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("p", "a whole number"), ("mixer", "'x' or 'ring'"), ("exact", "true or false"),
        ("shots", "a whole number or none"), ("tail", "a finite number or 'auto'"),
        ("angles", "values of a finite number separated by ';'"), ("device", "text or none"),
    ],
)
def test_types_in_words(name: str, words: str) -> None:
    assert options_of(Solver)[name].type_name == words


# -- values -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("p", "3", 3), ("p", 3, 3), ("p", np.int64(3), 3),
        ("tail", "0.25", 0.25), ("tail", 1, 1.0), ("tail", np.float32(0.5), 0.5),
        ("tail", "auto", "auto"), ("tail", "1e-3", 1e-3),
        ("exact", "yes", True), ("exact", "FALSE", False), ("exact", True, True),
        ("mixer", "ring", "ring"),
        ("shots", "none", None), ("shots", None, None), ("shots", "12", 12),
        ("device", "none", None), ("device", "12", "12"),
        ("angles", "0.1;0.2", (0.1, 0.2)), ("angles", "[0.1, 0.2]", (0.1, 0.2)),
        ("angles", [1, 2], (1.0, 2.0)), ("angles", "", ()),
        ("start", "1 2", (1.0, 2.0)),
    ],
)
def test_values_that_fit(name: str, value: object, expected: object) -> None:
    got = convert(name, value)
    assert got == expected
    assert type(got) is type(expected)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p", "three"), ("p", 2.5), ("p", "2.5"), ("p", True), ("p", None),
        ("tail", "nan"), ("tail", float("inf")), ("tail", "best"), ("tail", False),
        ("tail", 10**400),
        ("exact", "maybe"), ("exact", 1), ("mixer", "XY"), ("mixer", 1),
        ("angles", "0.1;x"), ("angles", 3), ("start", "1;2;3"), ("device", 5),
    ],
)
def test_values_that_do_not_fit(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"option '{name}' of solver 'it' must be ") as caught:
        convert(name, value)
    assert repr(value) in str(caught.value)


def test_only_what_is_given_comes_back() -> None:
    assert check_options(Solver, {}, "it") == {}
    assert check_options(load, {"needed": "4"}, "it") == {"needed": 4}


def test_hyphens_are_underscores() -> None:
    def target(*, two_words: int = 1) -> None: ...

    assert check_options(target, {"two-words": 2}, "it") == {"two_words": 2}


def test_unknown_options_bring_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"option of solver 'it' 'mixr'.*'mixer'") as caught:
        check_options(Solver, {"mixr": "x"}, "solver 'it'")
    assert "p" in caught.value.known


def test_missing_options_are_asked_for() -> None:
    with pytest.raises(UsageError, match="it needs option 'needed': What you must say"):
        check_options(load, {"rate": 1}, "it")


# -- NAME=VALUE -------------------------------------------------------------------------------


def test_assignments_are_split() -> None:
    assert split_assignments("p=3, angles=0.1;0.2 ,name=a=b") == {
        "p": "3", "angles": "0.1;0.2", "name": "a=b"
    }
    assert split_assignments("angles=[1,2],f=g(1,{2,3}),") == {
        "angles": "[1,2]", "f": "g(1,{2,3})"
    }
    assert split_assignments("") == {}


@pytest.mark.parametrize(
    ("text", "words"),
    [("p", "written name=value, got 'p'"), ("=3", "got '=3'"), ("p=1,p=2", "'p' is given twice")],
)
def test_bad_assignments(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        split_assignments(text)


def test_choices_are_the_values_of_literals():
    def way(*, a: Literal["x", "y"] | None = None, b: Literal[1, 2] = 1, c: int = 0) -> None:
        """Nothing."""

    assert {name: option.choices for name, option in options_of(way).items()} == {
        "a": ("x", "y"), "b": (1, 2), "c": (),
    }
