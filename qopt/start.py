"""The answer that a run starts from: where it comes from, and how a model states it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from .errors import InputError, ParseError, QoptError, UnsupportedError, UsageError
from .forms import FORMS, Lowering, Program, Qubo, Table
from .problem import Problem
from .record import jsonable

_WRONG = (TypeError, ValueError, KeyError, IndexError, AttributeError, OverflowError)
"""What Python says of an answer that is none of the problem's."""


@dataclass(frozen=True)
class Start:
    """An answer that a run starts from.

    Parameters
    ----------
    answer : object
        In the problem's own terms, feasible or not.
    data : object
        The same as `Problem.encode_answer` writes it: what the run's key and record hold.
    """

    answer: Any = field(repr=False)
    data: Any = field(repr=False)

    @classmethod
    def of(cls, problem: Problem, given: Any) -> "Start":
        """From an answer of the problem or the path of a file that holds one, or as it is.

        A ``.json`` file holds what ``qopt solve -o`` writes; any other ending ``.abc`` is read by
        the problem's own ``read_abc(path)``.

        Raises
        ------
        UsageError
            For a file that is not there.
        UnsupportedError
            For an ending that the problem does not read.
        InputError
            Where it is no answer of the problem.
        """
        if isinstance(given, cls):
            return given
        from_file = isinstance(given, str | Path)
        answer = _read(problem, Path(given)) if from_file else given
        where = f"in {given}" if from_file else f"({type(given).__name__})"
        try:
            data = jsonable(problem.encode_answer(answer))
            again = problem.decode_answer(data)
            problem.score(again)
        except (*_WRONG, UsageError) as fault:
            raise InputError(
                f"the start {where} is no answer of {problem.name}: {_words(fault)}; give one as "
                "qopt solve -o writes it"
            ) from None
        return cls(again, data)

    def encoded(self, lowering: Lowering[Any]) -> Any:
        """The answer as the model of a lowering states it.

        Raises
        ------
        UnsupportedError
            Where the model cannot state it.
        """
        form = next(name for name, kind in FORMS.items() if isinstance(lowering.model, kind))
        if lowering.encode is None:
            raise UnsupportedError(
                f"this lowering to a {form} cannot state an answer to start from; leave the start "
                "out, or choose another form or encoding"
            )
        try:
            stated = lowering.encode(self.answer)
        except (*_WRONG, QoptError) as fault:
            raise UnsupportedError(
                f"the start cannot be stated as an answer of the {form} that stands for the "
                f"instance: {_words(fault)}"
            ) from None
        if isinstance(lowering.model, Qubo | Table):
            return np.asarray(stated, dtype=np.int8)
        if isinstance(lowering.model, Program):
            return np.asarray(stated, dtype=np.float64)
        return stated


def _read(problem: Problem, path: Path) -> Any:
    """An answer from a file, by its ending."""
    ending = path.suffix.removeprefix(".")
    readers = {
        name[5:]: getattr(problem, name) for name in dir(problem)
        if name.startswith("read_") and hasattr(problem, f"to_{name[5:]}") and name[5:] not in FORMS
    }
    if ending != "json" and ending not in readers:
        raise UnsupportedError(
            f"{problem.kind} reads an answer to start from as .{' or .'.join(['json', *readers])}, "
            f"not {path.suffix or 'without an ending'}"
        )
    if not path.is_file():
        raise UsageError(f"the file {path} with the answer to start from does not exist")
    if ending != "json":
        return readers[ending](path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_number)
    except json.JSONDecodeError as fault:
        raise ParseError(path, f"no JSON: {fault.msg}", fault.lineno) from None
    except RecursionError:
        raise InputError(f"{path} holds no answer: its lists are nested too deeply") from None
    except (OSError, ValueError) as fault:
        raise InputError(f"{path} cannot be read as JSON: {fault}") from None
    try:
        return problem.decode_answer(data)
    except (*_WRONG, UsageError) as fault:
        raise InputError(
            f"{path} holds no answer of {problem.name}: {_words(fault)}; qopt solve -o writes one"
        ) from None


def _no_number(name: str) -> None:
    """Refuse what Python reads as a number, and JSON does not know."""
    raise ValueError(f"{name} is no number of JSON")


def _words(fault: Exception) -> str:
    """A fault on one line; a missing name is only named by Python."""
    text = f"{fault}".splitlines()[0] if f"{fault}" else type(fault).__name__
    return f"{text} is missing" if isinstance(fault, KeyError) else text
