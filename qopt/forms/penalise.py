"""Lowering a program to a QUBO: binary codes, slack variables, penalties that provably suffice."""

from collections.abc import Mapping
from typing import Literal

from .lowering import Lowering
from .program import Program
from .qubo import Qubo


def program_to_qubo(
    program: Program,
    *,
    weight: float | Mapping[str, float] | None = None,
    slack: Literal["exact", "unbalanced"] = "exact",
    groups: bool = True,
    continuous_step: float | None = None,
    resolution: int = 2**20,
) -> Lowering[Qubo]:
    """Lower a program to a QUBO."""
    raise NotImplementedError
