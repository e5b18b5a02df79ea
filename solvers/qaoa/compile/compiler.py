"""The compiler: several ways onto a device, and the one that is the likeliest to succeed."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from math import inf
from typing import TYPE_CHECKING, Literal

import numpy as np

from qopt.record import content_key

from ..ansatz import Ansatz
from ..circuit import ORDERS, build_circuit
from .equivalence import check_circuit
from .lines import best_line
from .physical import qubits_in_use
from .plan import Plan, check_plan
from .preset import preset_candidates
from .routed import Routed, likeliest
from .success import success
from .swap_network import swap_network
from .synthesis import physical_circuit
from .target import Couplings

if TYPE_CHECKING:
    from qiskit.transpiler import Target

Way = Literal["auto", "routes", "line", "qiskit"]
"""``routes``: commuting routes; ``line``: a swap network; ``auto``: the best of all."""

_DENSE = 0.2
"""Share of all pairs from which a line is tried: below, most of its swaps carry no term."""

_FULL = 0.6
"""Share of all pairs from which nothing beats a line where there is one."""

_SHORTLIST = 3
"""Plans whose circuits are made, the best by their estimated loss."""

_PLACEMENTS = 5
"""Placements that are annealed for each try."""

_SMALL = 24
"""Qubits up to which qiskit's compiler gets all its tries beside plans: it rarely wins, and never
where routing matters."""

_REMEMBERED = 64
"""Choices that are kept."""


@dataclass(frozen=True)
class CompileOptions:
    """How hard to try, and by which ways.

    Parameters
    ----------
    way : {"auto", "routes", "line", "qiskit"}
    level : int
        Optimisation level of qiskit's compiler.
    seed : int
    tries : int
        Seeds of qiskit's compiler, each with every order of gates; a third of the placements of
        commuting routes.
    most_qubits : float
        Results that use more are left out.
    """

    way: Way = "auto"
    level: int = 3
    seed: int = 0
    tries: int = 4
    most_qubits: float = inf


@dataclass(frozen=True, eq=False)
class _Choice:
    """What was found best for a structure: a plan, or a seed and order of qiskit's compiler."""

    plan: Plan | None
    compilations: int


_CHOICES: "OrderedDict[str, _Choice]" = OrderedDict()


def compile_ansatz(
    ansatz: Ansatz, target: "Target", options: CompileOptions, over: Callable[[], bool],
    seconds: float = inf,
) -> Routed:
    """The likeliest to succeed of the circuits that all ways lead to.

    Routing looks at the structure alone: which qubits are coupled, not by how much, nor the angles.
    What was chosen for a structure, a target and options is remembered, so that the next circuit of
    the kind is bound to it without another search.

    Parameters
    ----------
    ansatz : Ansatz
        With angles, numbers or parameters.
    target : Target
        Of `usable_target`.
    options : CompileOptions
    over : callable
        Asked between compilations whether to end. What it ends is not remembered.
    seconds : float
        Until it will say so.

    Raises
    ------
    SizeError
        Where all results use more qubits than there may be.
    UnsupportedError
        Where there is no way.
    """
    key = _structure_key(ansatz, target, options)
    known = _CHOICES.get(key)
    couplings = Couplings.of(target)
    if known is not None and known.plan is not None:
        _CHOICES.move_to_end(key)
        made = _synthesised(known.plan, ansatz, couplings, target, options.seed)
        check_circuit(made.circuit, ansatz)
        return replace(made, compilations=known.compilations)
    candidates = list(_candidates(ansatz, target, couplings, options, over, seconds))
    best = likeliest(
        [routed for routed, _ in candidates], ansatz.cost.qubits, options.most_qubits
    )
    check_circuit(best.circuit, ansatz)
    if over():
        best = replace(best, complete=False)
    else:
        plan = next(plan for routed, plan in candidates if routed.circuit is best.circuit)
        _CHOICES[key] = _Choice(plan, len(candidates))
        while len(_CHOICES) > _REMEMBERED:
            _CHOICES.popitem(last=False)
    return best


def warm_up() -> None:
    """Load what the ways need, machine code included: the first circuit is not to pay for it."""
    import ortools.sat.python.cp_model  # noqa: F401 - the import is what takes time
    import qiskit.transpiler  # noqa: F401

    from .routing import routes

    one = np.zeros(1)
    pair = Couplings(np.arange(2), np.array([[0, 1]]), one, one, np.zeros(2), np.zeros(2))
    for _ in routes(np.array([[0, 1]]), 2, pair, 0, lambda: True):
        pass


def forget() -> None:
    """Forget all choices: what is compiled next is searched for."""
    _CHOICES.clear()


def _candidates(
    ansatz: Ansatz, target: "Target", couplings: Couplings, options: CompileOptions,
    over: Callable[[], bool], seconds: float,
) -> Iterator[tuple[Routed, Plan | None]]:
    """Circuits, each with the plan that it comes from; one at least."""
    made = 0
    if options.way != "qiskit" and _turns_alone(ansatz):
        for plan in _plans(ansatz, couplings, options, over, seconds):
            yield _synthesised(plan, ansatz, couplings, target, options.seed), plan
            made += 1
    if options.way in ("auto", "qiskit") or not made:
        few = made and options.way == "auto" and ansatz.cost.qubits > _SMALL
        circuits = [build_circuit(ansatz, order) for order in (ORDERS[:1] if few else ORDERS)]
        for routed in preset_candidates(
            circuits, target, level=options.level, seed=options.seed,
            tries=1 if few else options.tries,
        ):
            if made and over():
                return
            yield routed, None
            made += 1


def _turns_alone(ansatz: Ansatz) -> bool:
    """Whether the mixer turns every qubit by itself: only couplings are to be routed."""
    return ansatz.mixer == "x" and not ansatz.groups


def _plans(
    ansatz: Ansatz, couplings: Couplings, options: CompileOptions, over: Callable[[], bool],
    seconds: float,
) -> list[Plan]:
    """The plans with the least estimated loss."""
    qubits, ising = ansatz.cost.qubits, ansatz.cost.ising
    terms = np.stack([ising.row, ising.col], axis=1).astype(np.int64)
    if qubits > couplings.places or not len(terms):
        return []
    layers = len(ansatz.angles.gammas)
    found: list[Plan] = []
    pairs = qubits * (qubits - 1) / 2
    if options.way == "line" or (options.way == "auto" and len(terms) >= _DENSE * pairs):
        line = best_line(couplings, qubits, seconds)
        if line is not None:
            found.append(swap_network(terms, line))
    routed = options.way == "routes" or (
        options.way == "auto" and not (found and len(terms) >= _FULL * pairs)
    )
    if routed:
        from .routing import routes  # machine code

        wanted = _PLACEMENTS * options.tries
        found += routes(
            terms, qubits, couplings, options.seed, _counter(wanted, over),
            tight=options.most_qubits < inf,
        )
    for plan in found:
        check_plan(plan, terms, couplings)
    fewest = min((len(plan.used()) for plan in found), default=0)
    width = fewest + 1 if options.most_qubits < inf else inf
    fitting = [plan for plan in found if len(plan.used()) <= width]
    return sorted(fitting, key=lambda plan: plan.loss(couplings, layers))[:_SHORTLIST]


def _counter(most: int, over: Callable[[], bool]) -> Callable[[], bool]:
    """Says after so many calls that it is over, or earlier where it is."""
    calls = 0

    def ended() -> bool:
        nonlocal calls
        calls += 1
        return calls >= most or over()

    return ended


def _synthesised(
    plan: Plan, ansatz: Ansatz, couplings: Couplings, target: "Target", seed: int
) -> Routed:
    circuit = physical_circuit(ansatz, plan, couplings, target)
    return Routed(
        circuit, qubits_in_use(circuit), success(circuit, target), seed, method=plan.method
    )


def _structure_key(ansatz: Ansatz, target: "Target", options: CompileOptions) -> str:
    ising = ansatz.cost.ising
    return content_key({
        "qubits": ansatz.cost.qubits,
        "terms": [ising.row.tolist(), ising.col.tolist()],
        "fields": np.flatnonzero(ising.h).tolist(),
        "layers": len(ansatz.angles.gammas),
        "mixer": ansatz.mixer,
        "tilted": ansatz.tilts is not None,
        "groups": [[list(g.members), g.size] for g in ansatz.groups],
        "target": target_key(target),
        "options": [
            options.way, options.level, options.seed, options.tries, str(options.most_qubits)
        ],
    })


def target_key(target: "Target") -> str:
    """SHA-256 of the gates of a target with their errors and times, and of coherence times."""
    gates = {
        name: sorted(
            [list(qubits), None if value is None else [value.error, value.duration]]
            for qubits, value in (target[name] or {}).items()
            if qubits is not None
        )
        for name in sorted(target.operation_names)
    }
    times = [None if q is None else [q.t1, q.t2] for q in target.qubit_properties or ()]
    return content_key({"gates": gates, "times": times})
