"""What an exact presolve came to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

PRESOLVED = "presolved"
"""Code of the caveat that presolve decided most or all variables, before any solver ran."""

RULES = (
    "isolated", "persistency", "folded", "merged", "duplicates", "groups", "roof duality",
    "components",
)
"""The rules in the order in which reports show them."""

_MOST = 0.5
"""Share of the variables from which on presolve is said to have decided most of them."""


@dataclass(frozen=True)
class Reduction:
    """How many variables an exact presolve removed, and by which rules.

    Parameters
    ----------
    variables : int
        Of the model as it was.
    removed : mapping of str to int
        Variables that each of `RULES` removed; rules that removed none are left out.
    seconds : float
        Wall seconds that it took.
    """

    variables: int
    removed: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0

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
    def caveats(self) -> dict[str, str]:
        """What must not be overlooked where runs are compared: that little was left to search."""
        if not self.variables or self.total < _MOST * self.variables:
            return {}
        share = "all" if self.left == 0 else f"{self.total} of"
        return {
            PRESOLVED: f"presolve decided {share} {self.variables} variables before the solver ran"
        }

    def to_json(self) -> dict[str, Any]:
        """As JSON values, which are the same for every run; the ledger has the seconds."""
        return {"variables": self.variables, "left": self.left, "removed": dict(self.removed)}
