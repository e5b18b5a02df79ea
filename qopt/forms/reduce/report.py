"""What an exact presolve came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import expm1, log
from typing import Any

PRESOLVED = "presolved"
"""Code of the caveat that presolve decided some or all variables, before any solver ran."""

RULES = (
    "isolated", "persistency", "folded", "merged", "duplicates", "groups", "roof duality",
    "components",
)
"""The rules in the order in which reports show them."""

_NEARLY_ALL = 0.995
"""Share of the answers from which on what is left of them is told, not what is gone."""


@dataclass(frozen=True)
class Reduction:
    """How many variables an exact presolve removed, by which rules, and how many answers.

    Parameters
    ----------
    variables : int
        Of the model as it was.
    removed : mapping of str to int
        Variables that each of `RULES` removed; rules that removed none are left out.
    seconds : float
        Wall seconds that it took.
    bits, bits_left : float, optional
        Binary logarithm of the number of answers that keep the groups (`Qubo.answer_bits`), before
        and after: a variable of a group is worth less than a bit. None where it is not known.
    """

    variables: int
    removed: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    bits: float | None = None
    bits_left: float | None = None

    @property
    def total(self) -> int:
        """Variables removed in all."""
        return sum(self.removed.values())

    @property
    def left(self) -> int:
        """Variables left to the solver."""
        return self.variables - self.total

    def __str__(self) -> str:
        rules = [f"{self.removed[rule]} {rule}" for rule in RULES if self.removed.get(rule)]
        by = f" ({', '.join(rules)})" if rules else ""
        return (
            f"presolve: {self.total} of {self.variables} variables removed{by} "
            f"in {self.seconds:.2f} s"
        )

    @property
    def answers_removed(self) -> float | None:
        """Share of the answers that keep the groups which is left to no solver."""
        if self.bits is None or self.bits_left is None:
            return None
        return -expm1(min(0.0, self.bits_left - self.bits) * log(2.0))

    @property
    def size(self) -> str:
        """What was removed: ``"9 of 20 variables, 97 % of the answers"``."""
        if self.left == 0:
            return f"all {self.variables} variables"
        words = f"{self.total} of {self.variables} variables"
        share, bits, left = self.answers_removed, self.bits, self.bits_left
        if share is None or bits is None or left is None or share < 1e-9:
            return words
        if share < _NEARLY_ALL:
            return f"{words}, {100.0 * share:.2g} % of the answers"
        times = f"{2.0 ** (bits - left):.0f}" if bits - left < 20 else f"2^{bits - left:.0f}"
        return f"{words}, all but one in {times} of the answers"

    @property
    def caveats(self) -> dict[str, str]:
        """What must not be overlooked where runs are compared: that less was left to search."""
        if not self.total:
            return {}
        if self.left == 0:
            return {PRESOLVED: f"presolve decided {self.size} before the solver ran"}
        comma = "," * ("," in self.size)
        return {PRESOLVED: f"presolve had removed {self.size}{comma} before the solver ran"}

    def to_json(self) -> dict[str, Any]:
        """As JSON values, which are the same for every run; the ledger has the seconds."""
        return {
            "variables": self.variables, "left": self.left, "removed": dict(self.removed),
            "bits": self.bits, "bits_left": self.bits_left,
            "answers_removed": self.answers_removed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Reduction":
        """Read back what `to_json` wrote; older records know no answers."""
        return cls(
            data["variables"], data.get("removed") or {}, bits=data.get("bits"),
            bits_left=data.get("bits_left"),
        )
