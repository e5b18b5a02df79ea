"""Lowering a program to a QUBO: binary codes, slack variables, penalties that provably suffice."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil, isfinite
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import UnknownNameError, UsageError
from .binary_code import BinaryCode
from .lattice import Conflict, Lattice, Row, lattice_of, rows_of
from .lowering import Lowering, Penalties
from .program import Program
from .qubo import Group, Qubo
from .sufficient import (
    BitRow,
    above,
    greedy_sample,
    group_rows,
    lower_bound,
    repair_costs,
    upper_bound,
)


def program_to_qubo(
    program: Program,
    *,
    weight: float | Mapping[str, float] | None = None,
    slack: Literal["exact", "unbalanced"] = "exact",
    unbalanced: tuple[float, float] = (1.0, 0.5),
    groups: bool = True,
    continuous_step: float | None = None,
    resolution: int = 2**20,
) -> Lowering[Qubo]:
    """Lower a program to a QUBO whose best sample decodes to a best answer.

    Variables are first bounded as tightly as single constraints allow; what that fixes or implies
    drops out. A bounded integer becomes bits worth 1, 2, 4, ... and a remainder, so that every
    pattern is a value in range. Constraints become, in this order of preference:

    - a `Group`, for "exactly k of these bits" where no other group overlaps; the largest first;
    - a penalty without slack, where it says that at most one of some literals is true
      (``x + y <= 1``, ``x + y >= 1``, ``x <= y``, at most one of many): the number of true pairs;
    - a penalty ``(sum A y - low - s)**2`` over whole coefficients ``A`` without common divisor,
      with a slack ``0 <= s <= high - low`` that is no wider than the variables can reach.

    Parameters
    ----------
    program : Program
    weight : float or mapping of str to float, optional
        Price of the smallest possible violation, for all constraints or by constraint name. The
        rest get the smaller of two weights that provably suffice (`qopt.forms.sufficient`); the
        notes of the result say which bounds were used.
    slack : {"exact", "unbalanced"}
        Slack variables, or none: unbalanced penalisation, a heuristic that needs fewer bits. It
        adds ``weight (-a h + b h**2)`` for an inequality with room ``h``, counted in units of its
        largest coefficient [1]_. Nothing is proven of its optimum, and its energies are not
        objectives.
    unbalanced : (float, float)
        The factors ``a`` and ``b``; the default is the Taylor series of ``exp(-h) - 1``.
    groups : bool
        Whether exactly-k constraints may become groups. Otherwise they are penalised.
    continuous_step : float, optional
        Step between the values left to continuous variables, from their lower bounds. Without it a
        continuous variable is refused.
    resolution : int
        Most steps into which a constraint is resolved, which bounds its slack bits. Constraints
        that need more are rounded so that no infeasible answer passes; feasible ones may be lost.

    Returns
    -------
    Lowering
        From bits to vectors of float64 in the program's order. `encode` sets the best slack.

    Raises
    ------
    InputError
        Where a constraint cannot be met at all; it is named.
    UnsupportedError
        For variables that are continuous (without `continuous_step`) or unbounded.
    UsageError
        For a weight, step or resolution out of range, or a constraint name that does not exist.

    References
    ----------
    .. [1] Montañez-Barrera et al., "Unbalanced penalization", arXiv 2211.13914.
    """
    _check_options(program, weight, slack, unbalanced, continuous_step, resolution)
    lattice = lattice_of(program, continuous_step)
    code = BinaryCode.of(lattice.count)
    rows = rows_of(program, lattice, resolution)
    chosen = _choose_groups(rows, lattice, code) if groups else {}
    objective = _objective(program, lattice, code).with_groups(chosen.values())
    penalties = [
        _Penalty.of(row, code, free=slack == "unbalanced")
        for k, row in enumerate(rows)
        if k not in chosen
    ]
    attained = _attained(program, lattice, code, objective, penalties)
    notes = _set_weights(objective, penalties, attained, weight, unbalanced)
    slack_code = BinaryCode.of([penalty.slack for penalty in penalties])
    model = _assemble(objective, penalties, slack_code, unbalanced)
    model, group_note = _weigh_groups(model, objective, attained, weight, slack == "exact")
    rounded = [row.name for row in rows if isinstance(row, Row) and not row.exact]
    heuristic = any(penalty.free for penalty in penalties)

    def encode(answer: ArrayLike) -> NDArray[np.int8]:
        bits = code.encode(lattice.counts(answer))
        room = np.array([penalty.best_slack(bits) for penalty in penalties], dtype=np.int64)
        return np.concatenate([bits, slack_code.encode(room)])

    def decode(sample: Any) -> NDArray[np.float64]:
        return lattice.values(code.decode(np.asarray(sample)[: code.num_bits]))

    return Lowering(
        model=model,
        decode=decode,
        encode=encode,
        scale=1.0 if program.sense == "minimise" else -1.0,
        complete=not (lattice.discretised.any() or rounded or heuristic),
        notes=(
            _size_note(model, code, slack_code, lattice),
            *notes,
            *group_note,
            *_loss_notes(lattice, rounded, continuous_step),
            *_rounding_note(model, objective),
        ),
        penalties=Penalties.of(
            [*(p.weight for p in penalties), *(g.weight or 0.0 for g in model.groups)],
            [*objective.linear, *objective.value],
        ),
    )


def _check_options(
    program: Program, weight: Any, slack: str, unbalanced: tuple[float, float],
    continuous_step: float | None, resolution: int,
) -> None:
    if isinstance(weight, Mapping):
        known = {item.name for item in program.constraints}
        for name in weight:
            if name not in known:
                raise UnknownNameError("constraint", str(name), known)
    values = list(weight.values()) if isinstance(weight, Mapping) else [weight]
    for value in values:
        if value is not None and not (isfinite(value) and value > 0.0):
            raise UsageError(f"penalty weight must be positive and finite, got {value}")
    if slack not in ("exact", "unbalanced"):
        raise UsageError(f"slack must be 'exact' or 'unbalanced', got {slack!r}")
    if len(unbalanced) != 2 or not all(isfinite(v) and v >= 0.0 for v in unbalanced):
        raise UsageError(f"unbalanced takes two factors of at least 0, got {unbalanced}")
    if continuous_step is not None and not (isfinite(continuous_step) and continuous_step > 0):
        raise UsageError(f"continuous_step must be positive and finite, got {continuous_step}")
    if not 2 <= resolution <= 2**26:
        raise UsageError(f"resolution must be between 2 and {2**26}, got {resolution}")


# -- the objective and the groups -----------------------------------------------------------------


def _objective(program: Program, lattice: Lattice, code: BinaryCode) -> Qubo:
    """The objective over bits, to be minimised."""
    from scipy.sparse import coo_array, csr_array

    sign = 1.0 if program.sense == "minimise" else -1.0
    base, row, col, value = lattice.base, program.row, program.col, sign * program.value
    linear = sign * program.linear
    offset = sign * program.offset + float(linear @ base + value @ (base[row] * base[col]))
    np.add.at(linear, row, value * base[col])
    np.add.at(linear, col, value * base[row])
    step = lattice.step[code.owner] * code.worth
    n, bits = program.num_variables, code.num_bits
    spread = csr_array((step, (code.owner, np.arange(bits))), shape=(n, bits))
    pairs = coo_array(
        spread.T @ csr_array((value, (row, col)), shape=(n, n)) @ spread
    )
    return Qubo.from_arrays(
        linear[code.owner] * step, pairs.row, pairs.col, pairs.data, offset=offset,
        labels=_bit_labels(lattice.names, lattice.count, code),
    )


def _bit_labels(
    names: Sequence[str], counts: ArrayLike, code: BinaryCode
) -> tuple[str, ...]:
    """The name itself for a single bit, and with the bit's place for several: ``lots[2]``."""
    counts = np.asarray(counts)
    return tuple(
        names[i] if counts[i] == 1 else f"{names[i]}[{k - code.start[i]}]"
        for k, i in enumerate(code.owner.tolist())
    )


def _choose_groups(
    rows: Sequence[Row | Conflict], lattice: Lattice, code: BinaryCode
) -> dict[int, Group]:
    """Disjoint exactly-k rows over bits by their position, the largest first."""
    candidates = [
        (len(row.index), k)
        for k, row in enumerate(rows)
        if isinstance(row, Row)
        and row.low == row.high
        and len(row.index) > 1
        and (row.coefficients == row.coefficients[0]).all()
        and (lattice.count[row.index] == 1).all()
    ]
    taken: set[int] = set()
    chosen: dict[int, Group] = {}
    for _, k in sorted(candidates, key=lambda c: (-c[0], c[1])):
        row = rows[k]
        assert isinstance(row, Row)
        members = code.start[row.index].tolist()
        if taken.isdisjoint(members):
            taken.update(members)
            chosen[k] = Group(tuple(members), abs(row.low), name=row.name)
    return chosen


# -- penalties ------------------------------------------------------------------------------------


@dataclass(eq=False)
class _Penalty:
    """One constraint that is penalised, over the bits of the variables.

    Parameters
    ----------
    name : str
    row : BitRow
    conflict : bool
        Whether pairs of true literals are counted, rather than squares.
    free : bool
        Whether an inequality goes without slack, unbalanced.
    weight : float
        Set later.
    """

    name: str
    row: BitRow
    conflict: bool = False
    free: bool = False
    weight: float = field(default=0.0, init=False)

    @classmethod
    def of(cls, row: Row | Conflict, code: BinaryCode, *, free: bool) -> "_Penalty":
        """The penalty for a row over whole numbers."""
        if isinstance(row, Conflict):
            bits = code.start[row.index]
            negated = int(row.negated.sum())
            sign = np.where(row.negated, -1, 1).astype(np.int64)
            return cls(row.name, BitRow(bits, sign, -negated, 1 - negated, 1), conflict=True)
        bits, coefficients = code.expand(row.index, row.coefficients)
        side = {"<=": 1, ">=": -1, "==": 0}[row.comparator]
        return cls(
            row.name, BitRow(bits, coefficients, row.low, row.high, side), free=free and side != 0
        )

    @property
    def slack(self) -> int:
        """Largest value of the slack."""
        return 0 if self.conflict or self.free else self.row.high - self.row.low

    def best_slack(self, bits: NDArray[np.int8]) -> int:
        """The slack that leaves the least penalty."""
        activity = int(self.row.coefficients @ bits[self.row.index].astype(np.int64))
        return min(max(activity - self.row.low, 0), self.slack)


def _attained(
    program: Program, lattice: Lattice, code: BinaryCode, objective: Qubo,
    penalties: Sequence[_Penalty],
) -> float | None:
    """The energy of a feasible answer, if one is found greedily."""
    rows = [penalty.row for penalty in penalties] + group_rows(objective.groups)
    if not rows:
        return None
    sample = greedy_sample(objective, rows)
    if sample is None or program.violations(lattice.values(code.decode(sample))):
        return None
    return objective.energy(sample)


def _set_weights(
    objective: Qubo, penalties: Sequence[_Penalty], attained: float | None,
    given: float | Mapping[str, float] | None, unbalanced: tuple[float, float],
) -> list[str]:
    """Give every penalty its weight; the notes say which and why."""
    if not penalties:
        return []
    rows = [penalty.row for penalty in penalties]
    repairs = repair_costs(objective, rows + group_rows(objective.groups))
    low = lower_bound(objective)
    high = upper_bound(objective) if attained is None else attained
    flips = np.maximum(*objective.flip_costs())
    by: Counter[str] = Counter()
    weak = []
    for penalty, repair in zip(penalties, repairs, strict=False):
        asked = given.get(penalty.name) if isinstance(given, Mapping) else given
        if penalty.free:
            penalty.weight = asked or above(float(flips[penalty.row.index].max()), objective)
            by["unbalanced"] += 1
            continue
        local = repair is not None and repair <= high - low
        proven = above(repair if local and repair is not None else high - low, objective)
        penalty.weight = asked or proven
        if asked is not None and asked < proven:
            weak.append(penalty.name)
        by["given" if asked is not None else "repair" if local else "range"] += 1
    source = "all samples" if attained is None else "a feasible answer found greedily"
    meaning = {
        "repair": "{} by the cost of mending it",
        "range": f"{{}} by the objective's range from {low:g} to {high:g}, that of {source}",
        "given": "{} as given",
        "unbalanced": "{} "
        f"unbalanced with factors {unbalanced[0]:g} and {unbalanced[1]:g}",
    }
    weights = [penalty.weight for penalty in penalties]
    span = f"{min(weights):g}" + (f" to {max(weights):g}" if len(set(weights)) > 1 else "")
    parts = "; ".join(meaning[kind].format(count) for kind, count in sorted(by.items()))
    notes = [f"{_several(len(penalties), 'constraint')} penalised with weight {span}: {parts}"]
    if by["unbalanced"]:
        notes.append(
            "unbalanced penalties are a heuristic: energies are no objectives, and the best sample "
            "need not be feasible or optimal"
        )
    if weak:
        notes.append(f"weights as given are not proven sufficient: {', '.join(weak[:5])}")
    return notes


def _weigh_groups(
    model: Qubo, objective: Qubo, attained: float | None,
    given: float | Mapping[str, float] | None, proven: bool,
) -> tuple[Qubo, list[str]]:
    """Give every group the smaller of its two sufficient weights, or the one that is given."""
    if not model.groups:
        return model, []
    wide = float("inf")
    if proven:
        high = upper_bound(objective) if attained is None else attained
        wide = above(high - lower_bound(objective.with_groups(())), objective)
    weighed, weak = [], []
    for group, local in zip(model.groups, model.penalty_weights(), strict=True):
        enough = min(float(ceil(local)) if objective.is_integral else local, wide)
        asked = given.get(group.name) if isinstance(given, Mapping) else given
        if asked is not None and asked < enough:
            weak.append(group.name)
        weighed.append(replace(group, weight=enough if asked is None else asked))
    weights = [group.weight for group in weighed if group.weight is not None]
    notes = [
        f"{_several(len(weighed), 'exactly-k constraint')} handed over as groups; solvers that "
        f"cannot keep them add penalties of weight {min(weights):g}"
        + (f" to {max(weights):g}" if len(set(weights)) > 1 else "")
    ]
    if weak:
        notes.append(f"weights as given are not proven sufficient: {', '.join(weak[:5])}")
    return model.with_groups(weighed), notes


# -- putting it together --------------------------------------------------------------------------


class _Terms:
    """Coefficients of a QUBO in the making."""

    def __init__(self, n: int) -> None:
        self.linear = np.zeros(n)
        self.offset = 0.0
        self.row: list[NDArray[np.int64]] = []
        self.col: list[NDArray[np.int64]] = []
        self.value: list[NDArray[np.float64]] = []

    def add(self, weight: float, index: NDArray[np.int64], a: NDArray[Any]) -> None:
        """Add ``weight * sum_t a[t] * bit[index[t]]``."""
        np.add.at(self.linear, index, weight * a)

    def add_pairs(self, weight: float, index: NDArray[np.int64], a: NDArray[Any]) -> None:
        """Add ``weight * sum_{s < t} a[s] a[t] bit[index[s]] bit[index[t]]``."""
        i, j = np.triu_indices(len(index), 1)
        self.row.append(index[i])
        self.col.append(index[j])
        self.value.append(weight * (a[i] * a[j]))

    def add_square(
        self, weight: float, index: NDArray[np.int64], a: NDArray[Any], target: float
    ) -> None:
        """Add ``weight * (sum_t a[t] * bit[index[t]] - target)**2``."""
        self.add(weight, index, a * (a - 2.0 * target))
        self.add_pairs(2.0 * weight, index, a)
        self.offset += weight * target**2


def _assemble(
    objective: Qubo, penalties: Sequence[_Penalty], slack_code: BinaryCode,
    unbalanced: tuple[float, float],
) -> Qubo:
    """The objective and all penalties, over the bits of variables and then those of slacks."""
    n = objective.num_variables
    terms = _Terms(n + slack_code.num_bits)
    for k, penalty in enumerate(penalties):
        row, weight = penalty.row, penalty.weight
        if penalty.conflict:
            negated = (row.coefficients < 0).astype(np.int64)
            count = int(negated.sum())
            terms.add(weight, row.index, row.coefficients * (count - negated))
            terms.add_pairs(weight, row.index, row.coefficients)
            terms.offset += weight * count * (count - 1) / 2
        elif penalty.free:
            unit = float(np.abs(row.coefficients).max())
            a = row.side * row.coefficients / unit
            limit = (row.high if row.side > 0 else -row.low) / unit
            terms.add(weight * unbalanced[0], row.index, a)
            terms.offset -= weight * unbalanced[0] * limit
            terms.add_square(weight * unbalanced[1], row.index, a, limit)
        else:
            slack = np.arange(slack_code.start[k], slack_code.start[k + 1])
            terms.add_square(
                weight,
                np.concatenate([row.index, n + slack]),
                np.concatenate([row.coefficients, -slack_code.worth[slack]]),
                row.low,
            )
    terms.linear[:n] += objective.linear
    slacks = [f"{penalty.name}.slack" for penalty in penalties]
    labels = objective.labels + _bit_labels(slacks, [p.slack for p in penalties], slack_code)
    return Qubo.from_arrays(
        terms.linear,
        np.concatenate([objective.row, *terms.row]),
        np.concatenate([objective.col, *terms.col]),
        np.concatenate([objective.value, *terms.value]),
        offset=objective.offset + terms.offset,
        labels=_unique(labels),
        groups=objective.groups,
    )


def _unique(labels: Iterable[str]) -> list[str]:
    """The labels, with a number behind those that occurred before."""
    seen: Counter[str] = Counter()
    out = []
    for label in labels:
        seen[label] += 1
        out.append(label if seen[label] == 1 else f"{label}#{seen[label]}")
    return out


# -- what to tell ---------------------------------------------------------------------------------


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _size_note(model: Qubo, code: BinaryCode, slack_code: BinaryCode, lattice: Lattice) -> str:
    fixed = int((lattice.count == 0).sum())
    text = f"{_several(model.num_variables, 'bit')}: {code.num_bits} for variables"
    if slack_code.num_bits:
        text += f", {slack_code.num_bits} for slack"
    return text + (f"; {_several(fixed, 'variable')} fixed by the constraints" if fixed else "")


def _loss_notes(
    lattice: Lattice, rounded: Sequence[str], continuous_step: float | None
) -> list[str]:
    notes = []
    if lattice.discretised.any():
        notes.append(
            f"{_several(int(lattice.discretised.sum()), 'continuous variable')} in steps of "
            f"{continuous_step:g}: feasible answers between them are lost"
        )
    if rounded:
        notes.append(
            f"{_several(len(rounded), 'constraint')} rounded to the safe side "
            f"({', '.join(rounded[:3])}): "
            "feasible answers at their limit may be lost"
        )
    return notes


def _rounding_note(model: Qubo, objective: Qubo) -> list[str]:
    """A warning where penalties are so large that floats blur the objective."""
    if model.is_integral:
        return []
    largest = sum(float(np.abs(part).sum()) for part in (model.linear, model.value))
    error = np.finfo(np.float64).eps * (largest + abs(model.offset))
    if error <= 1e-6 * objective.scale:
        return []
    return [f"penalties are so large that rounding may shift energies by {error:.1g}"]


