"""QUBO and Ising models as JSON.

A QUBO, with labels, groups and offset where there are any::

    {
      "format": "qopt-qubo",
      "linear": [1.0, -2.0, 0.0],
      "quadratic": [[0, 1, 2.5], [1, 2, -1.0]],
      "offset": 3.0,
      "labels": ["a", "b", "c"],
      "groups": [{"members": [0, 1, 2], "size": 1, "name": "one of them", "weight": 6.0}]
    }

is to minimise ``offset + sum_i linear[i] x_i + sum q x_i x_j`` over the triples ``[i, j, q]``, with
exactly ``size`` ones in each group. An Ising model, over spins ``z = 1 - 2 x``::

    {"format": "qopt-ising", "h": [0.5, -0.5], "J": [[0, 1, 0.25]], "offset": 1.0}

What dimod's ``BinaryQuadraticModel.to_serializable()`` gives is read as well, where it was made
with ``use_bytes=False`` as it is by default.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError, ParseError
from .convert_dimod import labels_of
from .ising import Ising
from .qubo import Group, Qubo

_QUBO_KEYS = {"format", "linear", "quadratic", "offset", "labels", "groups"}
_ISING_KEYS = {"format", "h", "J", "offset", "labels"}
_DIMOD_KEYS = (
    "linear_biases", "quadratic_biases", "quadratic_head", "quadratic_tail", "variable_labels",
    "offset",
)
_GROUP_KEYS = {"members", "size", "name", "weight"}


def qubo_to_json(qubo: Qubo) -> str:
    """The model as JSON text, labels and groups included."""
    parts = {
        "format": '"qopt-qubo"',
        "linear": _dumps(qubo.linear.tolist()),
        "quadratic": _triples(qubo.row, qubo.col, qubo.value),
        "offset": _dumps(qubo.offset),
    }
    if qubo.labels:
        parts["labels"] = _dumps(list(qubo.labels))
    if qubo.groups:
        parts["groups"] = _dumps([_group_to_json(group) for group in qubo.groups])
    return _object(parts)


def ising_to_json(model: Qubo | Ising) -> str:
    """The model over spins as JSON text; the groups of a QUBO become penalties."""
    labels: tuple[str, ...] = ()
    if isinstance(model, Qubo):
        labels = model.labels
        model = model.penalised().to_ising()
    parts = {
        "format": '"qopt-ising"',
        "h": _dumps(model.h.tolist()),
        "J": _triples(model.row, model.col, model.J),
        "offset": _dumps(model.offset),
    }
    if labels:
        parts["labels"] = _dumps(list(labels))
    return _object(parts)


def _group_to_json(group: Group) -> dict[str, Any]:
    data: dict[str, Any] = {"members": [int(i) for i in group.members], "size": int(group.size)}
    if group.name:
        data["name"] = group.name
    if group.weight is not None:
        data["weight"] = float(group.weight)
    return data


def _triples(row: Any, col: Any, value: Any) -> str:
    triples = zip(row.tolist(), col.tolist(), value.tolist(), strict=True)
    # A finite float's repr is its JSON, and four times faster than the encoder.
    return "[" + ",\n    ".join(f"[{i}, {j}, {v!r}]" for i, j, v in triples) + "]"


def _dumps(data: Any) -> str:
    return json.dumps(data, allow_nan=False)


def _object(parts: Mapping[str, str]) -> str:
    return "{\n" + ",\n".join(f'  "{key}": {text}' for key, text in parts.items()) + "\n}\n"


# -- reading --------------------------------------------------------------------------------------


def qubo_from_json(text: str, source: str | Path = "<text>") -> Qubo:
    """Read a QUBO, an Ising model as the QUBO it equals, or dimod's model of either kind.

    `source` names the text in errors.

    Raises
    ------
    ParseError
        For text that is not JSON, an unknown or missing key, a value of the wrong type.
    """
    try:
        data = json.loads(text)
    except json.JSONDecodeError as fault:
        raise ParseError(source, f"not JSON: {fault.msg}", fault.lineno) from None
    except RecursionError:
        raise ParseError(source, "not a model: JSON nested too deeply") from None
    if not isinstance(data, dict):
        raise ParseError(source, "a JSON object is expected")
    reader = _Reader(source, data)
    try:
        if data.get("type") == "BinaryQuadraticModel":
            return reader.dimod()
        if data.get("format") == "qopt-ising" or ("format" not in data and "h" in data):
            return reader.ising()
        return reader.qubo()
    except ParseError:
        raise
    except InputError as fault:
        raise ParseError(source, str(fault)) from None


def _hashable(label: Any) -> Any:
    """A label of dimod's as it was before it was written: tuples become lists in JSON."""
    return tuple(map(_hashable, label)) if isinstance(label, list) else label


class _Reader:
    """Checks one JSON object piece by piece."""

    def __init__(self, source: str | Path, data: dict[str, Any]) -> None:
        self.source = source
        self.data = data

    def fail(self, message: str) -> ParseError:
        """A `ParseError` to raise."""
        return ParseError(self.source, message)

    def qubo(self) -> Qubo:
        """The object as a QUBO."""
        self.check_keys(self.data, "qopt-qubo", _QUBO_KEYS, "linear")
        linear = self.numbers("linear")
        row, col, value = self.pairs("quadratic", len(linear))
        return Qubo.from_arrays(
            linear, row, col, value, offset=self.number("offset", self.data.get("offset", 0.0)),
            labels=self.labels(len(linear)), groups=self.groups(),
        )

    def ising(self) -> Qubo:
        """The object as an Ising model, as a QUBO."""
        self.check_keys(self.data, "qopt-ising", _ISING_KEYS, "h")
        h = self.numbers("h")
        row, col, value = self.pairs("J", len(h))
        if (row == col).any():
            raise self.fail("J couples a spin with itself")
        offset = self.number("offset", self.data.get("offset", 0.0))
        plain = Qubo.from_ising(Ising(h, row, col, value, offset))
        return Qubo.from_arrays(
            plain.linear, plain.row, plain.col, plain.value, offset=plain.offset,
            labels=self.labels(len(h)),
        )

    def dimod(self) -> Qubo:
        """The object as a serialised model of dimod's, whose spins are 2 x - 1."""
        kind = self.data.get("variable_type")
        if kind not in ("BINARY", "SPIN"):
            raise self.fail(f"'variable_type' is {kind!r}, and not 'BINARY' or 'SPIN'")
        if self.data.get("use_bytes"):
            raise self.fail("its numbers are bytes; write it with use_bytes=False")
        if missing := [key for key in _DIMOD_KEYS if key not in self.data]:
            raise self.fail(f"the key {missing[0]!r} is missing")
        linear, value = self.numbers("linear_biases"), self.numbers("quadratic_biases")
        n = len(linear)
        row, col = (self.indices(f"quadratic_{end}", n, len(value)) for end in ("head", "tail"))
        if (row == col).any():
            raise self.fail("'quadratic_head' and 'quadratic_tail' couple a variable with itself")
        names = self.data["variable_labels"]
        if not isinstance(names, list) or len(names) != n:
            raise self.fail(f"'variable_labels' must be a list of {n} labels")
        labels = labels_of([_hashable(name) for name in names])
        offset = self.number("offset", self.data["offset"])
        if kind == "BINARY":
            return Qubo.from_arrays(linear, row, col, value, offset=offset, labels=labels)
        plain = Qubo.from_ising(Ising(-linear, row, col, value, offset))
        return Qubo.from_arrays(
            plain.linear, plain.row, plain.col, plain.value, offset=plain.offset, labels=labels
        )

    def indices(self, key: str, n: int, count: int) -> Any:
        """So many variables' numbers."""
        values = self.data[key]
        if not isinstance(values, list) or len(values) != count:
            raise self.fail(f"{key!r} must be a list of {count} variables, one for each bias")
        return np.array([self.index(key, value, n) for value in values], dtype=np.int64)

    def check_keys(
        self, data: dict[str, Any], layout: str, known: set[str], needed: str
    ) -> None:
        """Refuse another format, a missing key and an unknown one."""
        if data.get("format", layout) != layout:
            raise self.fail(
                f'"format" is {data["format"]!r}; "qopt-qubo" and "qopt-ising" are read'
            )
        if needed not in data:
            raise self.fail(f"the key {needed!r} is missing")
        if unknown := sorted(set(data) - known):
            raise self.fail(
                f"unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}"
            )

    def number(self, what: str, value: Any) -> float:
        """A finite number."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(f"{what!r} has {value!r} where a number is expected")
        if not abs(value) <= 1e300:  # NaN, infinity and integers beyond floats as well
            raise self.fail(f"{what!r} has {value}, which is not a finite number")
        return float(value)

    def numbers(self, key: str) -> Any:
        """A vector of finite numbers."""
        values = self.data[key]
        if not isinstance(values, list):
            raise self.fail(f"{key!r} must be a list of numbers")
        return np.array([self.number(key, value) for value in values], dtype=np.float64)

    def pairs(self, key: str, n: int) -> tuple[Any, Any, Any]:
        """Triples ``[i, j, value]`` as three vectors."""
        triples = self.data.get(key, [])
        if not isinstance(triples, list):
            raise self.fail(f"{key!r} must be a list of [i, j, value]")
        for triple in triples:
            if not isinstance(triple, list) or len(triple) != 3:
                raise self.fail(f"{key!r} has {triple!r} where [i, j, value] is expected")
            self.index(key, triple[0], n)
            self.index(key, triple[1], n)
            self.number(key, triple[2])
        return (
            np.array([t[0] for t in triples], dtype=np.int64),
            np.array([t[1] for t in triples], dtype=np.int64),
            np.array([t[2] for t in triples], dtype=np.float64),
        )

    def index(self, key: str, value: Any, n: int) -> int:
        """A variable's number."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < n:
            raise self.fail(f"{key!r} has {value!r} where a variable in 0..{n - 1} is expected")
        return value

    def labels(self, n: int) -> list[str]:
        """Labels, if there are any."""
        labels = self.data.get("labels", [])
        if not isinstance(labels, list) or not all(isinstance(text, str) for text in labels):
            raise self.fail("'labels' must be a list of texts")
        if labels and len(labels) != n:
            raise self.fail(f"{len(labels)} labels for {n} variables")
        return labels

    def groups(self) -> list[Group]:
        """Groups, if there are any."""
        groups = self.data.get("groups", [])
        if not isinstance(groups, list) or not all(isinstance(g, dict) for g in groups):
            raise self.fail("'groups' must be a list of objects")
        n = len(self.data["linear"])
        out = []
        for group in groups:
            if unknown := sorted(set(group) - _GROUP_KEYS):
                raise self.fail(f"unknown key {unknown[0]!r} in a group")
            members = group.get("members")
            if not isinstance(members, list):
                raise self.fail("a group needs 'members', a list of variables")
            size, weight = group.get("size"), group.get("weight")
            if isinstance(size, bool) or not isinstance(size, int):
                raise self.fail(f"a group has size {size!r} where a whole number is expected")
            out.append(
                Group(
                    tuple(self.index("members", i, n) for i in members),
                    size,
                    None if weight is None else self.number("weight", weight),
                    str(group.get("name", "")),
                )
            )
        return out
