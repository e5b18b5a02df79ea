"""LP files: reading and writing programs in the CPLEX LP format."""

import re
from collections.abc import Sequence
from math import inf
from pathlib import Path

import numpy as np

from ..errors import InputError, ParseError
from .lp_reader import HEADER, NO_NUMBER, program_from_lp
from .program import Program

__all__ = ["program_from_lp", "program_to_lp", "read_program", "write_program"]

_WIDTH = 78
"""Columns of a line written."""

_LEGAL = re.compile(r"(?![eE](?:\d|$))[A-Za-z_][A-Za-z0-9_.,;(){}#$%&!?@~]{0,254}")
"""What every reader takes as a name, keywords aside."""


def read_program(path: str | Path) -> Program:
    """Read an LP file.

    Raises
    ------
    ParseError
        Where the file is not an LP file, or holds what a `Program` cannot (quadratic constraints,
        semi-continuous variables, special ordered sets).
    InputError
        Where there is no such file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as fault:
        raise InputError(f"{path} cannot be read: {fault.strerror}") from None
    if b"\0" in content:
        raise ParseError(path, "not an LP file: it is not text")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return program_from_lp(text, path)


def write_program(program: Program, path: str | Path) -> None:
    """Write an LP file."""
    Path(path).write_text(program_to_lp(program), encoding="utf-8")


def program_to_lp(program: Program) -> str:
    """The program as LP text, which `program_from_lp` reads back in the same order.

    A name that the format does not take is replaced by ``x7`` or ``c7``; a comment tells it.
    """
    names, comments = _legal_names(program.names, "x")
    titles, more = _legal_names([item.name for item in program.constraints], "c")
    lines = [f"\\ {text}" for text in (*comments, *more)]
    lines.append("Minimize" if program.sense == "minimise" else "Maximize")
    lines += _wrapped(" obj:", _objective_terms(program, names))
    lines.append("Subject To")
    for title, item in zip(titles, program.constraints, strict=True):
        terms = [
            _term(a, names[i]) for i, a in zip(item.indices, item.coefficients, strict=True)
        ] or [f"+ 0 {names[0]}" if names else "+ 0"]
        comparator = "=" if item.comparator == "==" else item.comparator
        lines += _wrapped(f" {title}:", [*terms, f"{comparator} {_number(item.rhs)}"])
    lines.append("Bounds")
    for i, name in enumerate(names):
        lines += _bound_line(program, i, name)
    binary = program.integer & (program.lower == 0.0) & (program.upper == 1.0)
    for title, which in (("Generals", program.integer & ~binary), ("Binaries", binary)):
        chosen = [names[i] for i in np.flatnonzero(which)]
        if chosen:
            lines += [title, *_wrapped("", chosen)]
    return "\n".join([*lines, "End", ""])


def _legal_names(names: Sequence[str], letter: str) -> tuple[list[str], list[str]]:
    """Names that every reader takes, all different, and comments on those that were replaced."""
    out: dict[str, None] = {}
    comments: list[str] = []
    taken = set(names)
    for i, name in enumerate(names):
        new = name
        if not _is_legal(name) or name in out:
            new = re.sub(r"[^A-Za-z0-9_.]+", "_", name).strip("_")
            k = i
            while not _is_legal(new) or new in out or new in taken:
                new = f"{letter}{k}"
                k += len(names)
            comments.append(f"{new} is {name!r}")
        out[new] = None
    return list(out), comments


def _is_legal(name: str) -> bool:
    """Whether every reader takes the name: no operator, no keyword, no number in disguise."""
    return (
        _LEGAL.fullmatch(name) is not None
        and HEADER.match(name) is None
        and name.lower() not in (*NO_NUMBER, "free")
    )


def _term(coefficient: float, name: str) -> str:
    sign = "-" if coefficient < 0 else "+"
    size = abs(float(coefficient))
    return f"{sign} {name}" if size == 1.0 else f"{sign} {_number(size)} {name}"


def _number(value: float) -> str:
    """The shortest text that reads back as `value`."""
    value = float(value)
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _objective_terms(program: Program, names: Sequence[str]) -> list[str]:
    # Every variable is written, so that the order and variables without terms survive.
    terms = [_term(a, name) for a, name in zip(program.linear, names, strict=True)]
    if len(program.value):
        terms.append("+ [")
        terms += [
            _term(2.0 * v, f"{names[i]} ^ 2" if i == j else f"{names[i]} * {names[j]}")
            for i, j, v in zip(program.row, program.col, program.value, strict=True)
        ]
        terms.append("] / 2")
    if program.offset or not terms:
        terms.append(f"{'-' if program.offset < 0 else '+'} {_number(abs(program.offset))}")
    return terms


def _bound_line(program: Program, i: int, name: str) -> list[str]:
    low, high = float(program.lower[i]), float(program.upper[i])
    if (program.integer[i] and low == 0.0 and high == 1.0) or (low == 0.0 and high == inf):
        return []
    if low == -inf and high == inf:
        return [f" {name} free"]
    if low == high:
        return [f" {name} = {_number(low)}"]
    left = "-inf" if low == -inf else _number(low)
    return [f" {left} <= {name}" + ("" if high == inf else f" <= {_number(high)}")]


def _wrapped(start: str, parts: Sequence[str]) -> list[str]:
    lines = [start]
    for part in parts:
        if len(lines[-1]) + len(part) >= _WIDTH:
            lines.append("  ")
        lines[-1] += f" {part}"
    return lines
