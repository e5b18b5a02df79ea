"""LP files: reading and writing programs in the CPLEX LP format."""

from pathlib import Path

from .program import Program


def read_program(path: str | Path) -> Program:
    """Read an LP file.

    Raises
    ------
    ParseError
        Where the file is not an LP file, or holds what a `Program` cannot (quadratic constraints,
        semi-continuous variables, special ordered sets).
    """
    raise NotImplementedError


def program_from_lp(text: str, source: str | Path = "<text>") -> Program:
    """Read LP text; `source` names it in errors."""
    raise NotImplementedError


def program_to_lp(program: Program) -> str:
    """The program as LP text."""
    raise NotImplementedError


def write_program(program: Program, path: str | Path) -> None:
    """Write an LP file."""
    raise NotImplementedError
