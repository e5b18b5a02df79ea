"""Bare models as problems: any QUBO, and any integer program."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from qopt.errors import UsageError
from qopt.forms import Form, Lowering, Program, Qubo
from qopt.forms.lp_files import read_program
from qopt.forms.qubo_files import read_qubo
from qopt.problem import Reference, Score, Sense, Violation

from .encode import bits, lower_with


@dataclass(frozen=True, kw_only=True, eq=False)
class QuboProblem:
    """A quadratic binary model, for its own sake.

    An answer is a vector of bits of int8, shape (variables,). The objective is the energy as the
    model states it, to be minimised; with ``sense="maximise"`` it is minus the energy.

    Parameters
    ----------
    name : str
    qubo : Qubo
        Its groups are constraints.
    sense : {"minimise", "maximise"}
    reference : Reference, optional
        In the convention of `sense`.
    """

    kind: ClassVar[str] = "qubo"

    name: str
    qubo: Qubo
    sense: Sense = "minimise"
    reference: Reference | None = None

    def __post_init__(self) -> None:
        if self.sense not in ("minimise", "maximise"):
            raise UsageError(f"sense must be 'minimise' or 'maximise', got {self.sense!r}")

    @classmethod
    def load(cls, path: Path, *, sense: Sense = "minimise") -> Self:
        """Read a QUBO file.

        BiqMac ``.sparse``; dimod ``.bqm``, or the JSON of its ``to_serializable()``; qubo JSON;
        ``.npz`` with coordinate arrays ``i``, ``j``, ``q`` from 0 (and ``n``, ``offset`` if need
        be), minimise ``sum q x_i x_j``; square matrices as ``.npy`` and ``.csv`` without a
        heading, minimise ``x' Q x``, entries (i, j) and (j, i) summed (name the kind where two or
        three rows of whole numbers might be pairs); the same as ``.npz`` of scipy's ``save_npz``.

        Parameters
        ----------
        sense : {"minimise", "maximise"}
            How the objective is shown. The file's energy is minimised either way; ``maximise``
            shows minus the energy, the convention in which the literature quotes best known
            values of the BiqMac, Beasley and Palubeckis instances (2098 for bqp50-1).
        """
        return cls(name=path.stem, qubo=read_qubo(path), sense=sense)

    def data(self) -> Mapping[str, Any]:
        """Coefficients, groups and sense."""
        qubo = self.qubo
        return {
            "linear": qubo.linear,
            "row": qubo.row,
            "col": qubo.col,
            "value": qubo.value,
            "offset": qubo.offset,
            "groups": [[list(group.members), group.size] for group in qubo.groups],
            "labels": qubo.labels,
            "sense": self.sense,
        }

    def describe(self) -> Mapping[str, Any]:
        """Size, and in which convention the objective is shown."""
        qubo = self.qubo
        energy = "energy" if self.sense == "minimise" else "minus the energy"
        return {
            "variables": qubo.num_variables,
            "interactions": qubo.num_interactions,
            "density": round(qubo.density, 6),
            "groups": len(qubo.groups),
            "objective": f"{energy}, {self.sense}d",
        }

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the model as it is; there are no options."""
        return lower_with(self, form, options)

    def to_qubo(self) -> Lowering[Qubo]:
        """The model itself."""
        scale = 1.0 if self.sense == "minimise" else -1.0
        return Lowering(self.qubo, decode=bits, encode=bits, scale=scale)

    def score(self, answer: Any) -> Score:
        """The energy (or minus it) and the groups that are broken."""
        qubo = self.qubo
        raw = np.asarray(answer)
        if raw.shape != (qubo.num_variables,):
            raise UsageError(
                f"an answer has one bit for each of {qubo.num_variables} variables, got shape "
                f"{raw.shape}"
            )
        x = bits(raw)
        ones = x == 1
        energy = qubo.offset + float(
            qubo.linear[ones].sum() + qubo.value[ones[qubo.row] & ones[qubo.col]].sum()
        )
        texts = [(f"{qubo.names[i]} is neither 0 nor 1", 1.0) for i in np.flatnonzero(x < 0)]
        for number, group in enumerate(qubo.groups, 1):
            count = int(ones[list(group.members)].sum())
            if count != group.size:
                title = group.name or f"group {number}"
                text = f"{title}: {count} of its bits are one, exactly {group.size} must be"
                texts.append((text, float(abs(count - group.size))))
        objective = energy if self.sense == "minimise" else -energy
        return Score(objective, tuple(Violation(text, amount) for text, amount in texts))

    def score_many(self, answers: Sequence[Any]) -> list[Score]:
        """Scores of many answers by matrix products; those with a flaw are judged one by one."""
        qubo = self.qubo
        samples = np.array([bits(answer) for answer in answers], dtype=np.int8)
        if samples.shape != (len(answers), qubo.num_variables):
            return [self.score(answer) for answer in answers]
        whole = (samples >= 0).all(axis=1)
        energies = np.full(len(answers), np.nan)
        energies[whole] = qubo.energies(samples[whole])
        good = whole & (qubo.group_violations(samples) == 0)
        sign = 1.0 if self.sense == "minimise" else -1.0
        return [
            Score(sign * energy) if fine else self.score(answer)
            for answer, energy, fine in zip(answers, energies.tolist(), good, strict=True)
        ]

    def encode_answer(self, answer: Any) -> Any:
        """The bits in the order of the variables, as text; ``?`` is neither 0 nor 1."""
        return "".join("?" if bit < 0 else str(bit) for bit in bits(answer).tolist())

    def decode_answer(self, data: Any) -> Any:
        """Bits from text."""
        return np.array([{"0": 0, "1": 1}.get(letter, -1) for letter in str(data)], dtype=np.int8)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramProblem:
    """An integer program, for its own sake.

    An answer is a vector of float64, shape (variables,). Objective, sense and constraints are those
    of the program.

    Parameters
    ----------
    name : str
    program : Program
    reference : Reference, optional
    """

    kind: ClassVar[str] = "program"

    name: str
    program: Program
    reference: Reference | None = None

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read an LP file; its own first word says whether it is minimised or maximised."""
        return cls(name=path.stem, program=read_program(path))

    @property
    def sense(self) -> Sense:
        """The program's own."""
        return self.program.sense

    def data(self) -> Mapping[str, Any]:
        """Everything in the program, names included."""
        program = self.program
        return {
            "sense": program.sense,
            "lower": program.lower,
            "upper": program.upper,
            "integer": program.integer,
            "linear": program.linear,
            "row": program.row,
            "col": program.col,
            "value": program.value,
            "offset": program.offset,
            "names": program.names,
            "constraints": [
                {
                    "name": item.name,
                    "indices": item.indices,
                    "coefficients": item.coefficients,
                    "comparator": item.comparator,
                    "rhs": item.rhs,
                }
                for item in program.constraints
            ],
        }

    def describe(self) -> Mapping[str, Any]:
        """Size by kind of variable and constraint."""
        program = self.program
        binary = int(program.binary.sum())
        return {
            "variables": program.num_variables,
            "binary": binary,
            "integer": int(program.integer.sum()) - binary,
            "continuous": int((~program.integer).sum()),
            "constraints": len(program.constraints),
            "quadratic_terms": len(program.value),
        }

    def lower(self, form: type[Form], **options: Any) -> Lowering[Any]:
        """Give the program as it is; there are no options."""
        return lower_with(self, form, options)

    def to_program(self) -> Lowering[Program]:
        """The program itself."""
        return Lowering(self.program, decode=_vector, encode=_vector)

    def score(self, answer: Any) -> Score:
        """Objective, and the bounds, constraints and whole variables that are broken."""
        values = _vector(answer)
        broken = self.program.violations(values)
        objective = float("nan") if np.isnan(values).any() else self.program.objective(values)
        return Score(objective, tuple(Violation(text, amount) for text, amount in broken))

    def encode_answer(self, answer: Any) -> Any:
        """Values by variable name; whole ones as whole numbers."""
        values = _vector(answer).tolist()
        return {
            name: int(value) if value.is_integer() else value
            for name, value in zip(self.program.names, values, strict=True)
        }

    def decode_answer(self, data: Any) -> Any:
        """A vector from values by name."""
        known = set(self.program.names)
        for name in set(data) ^ known:
            what = "misses a value for" if name in known else "names an unknown variable"
            raise UsageError(f"the answer {what} {name!r}")
        return _vector([data[name] for name in self.program.names])


def _vector(values: Any) -> Any:
    return np.asarray(values, dtype=np.float64)
