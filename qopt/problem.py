"""What a problem is: an instance that lowers itself to forms and judges answers."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np

from .forms import Form, Lowering
from .forms.program import Sense

__all__ = [
    "Lowering", "Problem", "Reference", "Score", "Sense", "Violation", "fingerprint", "insight_of",
    "notes_of",
]


@dataclass(frozen=True)
class Violation:
    """One broken constraint, in words.

    Parameters
    ----------
    text : str
        What is broken, with figures: ``"route 2: load 118 over capacity 100"``.
    amount : float
        By how much, in the constraint's own unit.
    """

    text: str
    amount: float

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Score:
    """What an answer is worth, from the instance data alone.

    Parameters
    ----------
    objective : float
        In the problem's own units and sense; meaningful for infeasible answers only as a figure.
    violations : tuple of Violation
        Everything that the answer breaks; empty where it is feasible.
    """

    objective: float
    violations: tuple[Violation, ...] = ()

    @property
    def feasible(self) -> bool:
        """Whether nothing is broken."""
        return not self.violations


@dataclass(frozen=True)
class Reference:
    """A known value to measure against, and where it comes from.

    Parameters
    ----------
    value : float
        In the problem's own units and sense.
    source : str
        Who says so: a paper, a library's page, "proven by cpsat".
    proven : bool
        Whether it is proven optimal, rather than best known.
    convention : str
        The convention under which it holds (rounding of distances, risk aversion).
    """

    value: float
    source: str
    proven: bool = False
    convention: str = ""


@runtime_checkable
class Problem(Protocol):
    """An immutable instance. Implementations are frozen dataclasses in plug-in packages.

    A problem whose answers can be drawn also has ``picture(answer)``, a `qopt.picture.Picture` or
    None, which records keep and reports show.

    Attributes
    ----------
    kind : str
        Name of the problem in the registry: ``"portfolio"``.
    name : str
        Name of the instance.
    sense : {"minimise", "maximise"}
    reference : Reference or None
    """

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """Name of the instance."""
        ...

    @property
    def sense(self) -> Sense:
        """Whether a smaller or a larger objective is better."""
        ...

    @property
    def reference(self) -> Reference | None:
        """A known value to measure against."""
        ...

    def data(self) -> Mapping[str, Any]:
        """Everything that defines the instance, as numbers, strings, lists, dicts and arrays."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Size and conventions for people: ``{"assets": 20, "select": 5, ...}``."""
        ...

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the instance in one of the forms that its spec names.

        Options are the keyword parameters of this form's lowering (``encoding="one-hot"``).

        A problem may also have ``count_bits(form, **options)``, the number of bits of a lowering by
        the form's name, or None: for those that take long to make, or are refused.

        Raises
        ------
        UnsupportedError
            Where the instance cannot be given in that form.
        """
        ...

    def score(self, answer: Any) -> Score:
        """Judge an answer by the instance data alone.

        A problem may also have ``score_many(answers)``, a list of scores, where judging many
        answers at once is quicker; the best one is judged again by `score`.

        It may also have ``insight(answer)`` and ``notes(answer)``: what `insight_of` and `notes_of`
        give; and ``time_text(value)``, which writes its times as its file does.
        """
        ...

    def encode_answer(self, answer: Any) -> Any:
        """Turn an answer into JSON values, readable by a person."""
        ...

    def decode_answer(self, data: Any) -> Any:
        """Turn what `encode_answer` wrote back into an answer."""
        ...


def insight_of(problem: Problem, answer: Any) -> Mapping[str, Any]:
    """Facts of an answer that its reader wants beside the objective; empty where there are none.

    A problem offers them by an optional method ``insight(answer) -> Mapping[str, Any]``: the risk
    of a portfolio, the load of each vehicle. Like `Problem.score` it works from the instance data
    alone. Keys are words for people; values are numbers, text, None where a figure has no value,
    and lists and mappings of these. It takes every answer that `Problem.score` takes, the
    infeasible ones too.

    Parameters
    ----------
    problem : Problem
    answer : object
        In the problem's own terms.
    """
    method = getattr(problem, "insight", None)
    facts: Mapping[str, Any] = {} if method is None else method(answer)
    return facts


def notes_of(problem: Problem, answer: Any) -> tuple[str, ...]:
    """Sentences that the reader of a run should not miss; none where there are none.

    A problem offers them by an optional method ``notes(answer) -> Sequence[str]``: values that are
    missing in its data and what was done about them, an answer that is not what it seems.

    Parameters
    ----------
    problem : Problem
    answer : object
        In the problem's own terms; None where the run ended without any.
    """
    method = getattr(problem, "notes", None)
    return () if method is None else tuple(method(answer))


@dataclass(frozen=True)
class _Digest:
    """Feeds canonical bytes of nested data into a hash."""

    hash: Any = field(default_factory=hashlib.sha256)

    def add(self, item: Any) -> None:
        if isinstance(item, np.ndarray):
            array = np.ascontiguousarray(item)
            kind = array.dtype.newbyteorder("<")
            self.hash.update(f"array {kind.str} {array.shape}".encode())
            self.hash.update(array.astype(kind).tobytes())
        elif isinstance(item, Mapping):
            self.hash.update(b"{")
            for key in sorted(item):
                self.hash.update(json.dumps(key).encode() + b":")
                self.add(item[key])
            self.hash.update(b"}")
        elif isinstance(item, list | tuple):
            self.hash.update(b"[")
            for part in item:
                self.add(part)
                self.hash.update(b",")
            self.hash.update(b"]")
        else:
            self.hash.update(json.dumps(item).encode())


def fingerprint(problem: Problem) -> str:
    """SHA-256 of an instance's kind and data, as 64 hexadecimal digits.

    The name, the reference value and the file's layout do not enter: two files that describe the
    same instance have the same fingerprint.
    """
    digest = _Digest()
    digest.add({"kind": problem.kind, "data": dict(problem.data())})
    return str(digest.hash.hexdigest())
