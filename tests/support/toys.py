"""A tiny problem and solvers that behave well or badly on purpose."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, ClassVar

import numpy as np

from qopt.errors import InputError, ParseError, SizeError, UnsupportedError
from qopt.forms import Group, Lowering, Program, Qubo, Route, Routing
from qopt.problem import Reference, Score, Violation
from qopt.registry import Spec
from qopt.solver import Improved, Outcome, Status


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Pick exactly `k` numbers with the least (or largest) sum."""

    kind: ClassVar[str] = "pick"
    name: str = "numbers"
    values: tuple[float, ...] = (5.0, 1.0, 4.0, 2.0, 3.0)
    k: int = 2
    sense: str = "minimise"
    complete: bool = True
    reference: Reference | None = None

    @classmethod
    def load(cls, path: Any, *, k: int = 2, sense: str = "minimise") -> "Pick":
        try:
            values = tuple(float(x) for x in path.read_text().split())
        except ValueError as fault:
            raise ParseError(path, str(fault), 1) from None
        if k > len(values):
            raise InputError(f"k = {k} of {len(values)} numbers")
        return cls(name=path.stem, values=values, k=k, sense=sense)

    @property
    def optimum(self) -> float:
        sums = [sum(c) for c in combinations(self.values, self.k)]
        return min(sums) if self.sense == "minimise" else max(sums)

    def data(self) -> dict[str, Any]:
        return {"values": list(self.values), "k": self.k, "sense": self.sense}

    def describe(self) -> dict[str, Any]:
        return {"numbers": len(self.values), "k": self.k}

    def lower(self, form: Any, **options: Any) -> Lowering[Any]:
        sign = 1.0 if self.sense == "minimise" else -1.0
        linear = sign * np.array(self.values)
        members = tuple(range(len(self.values)))
        model: Any
        if form is Qubo:
            model = Qubo.from_arrays(linear, groups=[Group(members, self.k)])
        elif form is Program:
            model = Program.build(
                linear=linear, constraints=[(f"exactly {self.k}", members, 1.0, "==", self.k)]
            )
        else:
            raise UnsupportedError("no routes here")
        return Lowering(
            model, decode=lambda x: np.rint(x).astype(int).tolist(), encode=np.asarray,
            scale=sign, complete=self.complete,
        )

    def score(self, answer: Any) -> Score:
        total = float(np.dot(answer, self.values))
        off = abs(sum(answer) - self.k)
        broken = (Violation(f"{sum(answer)} numbers, exactly {self.k} asked", off),) if off else ()
        return Score(total, broken)

    def encode_answer(self, answer: Any) -> Any:
        return {"picked": [i for i, bit in enumerate(answer) if bit]}

    def decode_answer(self, data: Any) -> Any:
        return [int(i in data["picked"]) for i in range(len(self.values))]

    def to_txt(self, answer: Any) -> str:
        return " ".join(map(str, answer)) + "\n"


def _qubo_answers(model: Qubo) -> np.ndarray:
    n = model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    keep = bits[model.group_violations(bits) == 0]
    return keep[np.argsort(model.energies(keep), kind="stable")]


@dataclass(frozen=True, kw_only=True)
class Brute:
    """Enumerates.

    Parameters
    ----------
    keep : int
        Answers returned.
    """

    keep: int = 3

    def solve(self, model: Any, budget: Any, seed: int, progress: Any) -> Outcome:
        answers = _qubo_answers(model)[: self.keep]
        best = model.energy(answers[0])
        progress.incumbent(best)
        progress.bound(best)
        return Outcome(Status.OPTIMAL, answers, bound=best, details={"seen": np.int64(7)})


@dataclass(frozen=True, kw_only=True)
class Liar:
    """Claims what is not so.

    Parameters
    ----------
    lie : str
        Which lie.
    """

    lie: str = "feasible"

    def solve(self, model: Any, budget: Any, seed: int, progress: Any) -> Outcome:
        n = model.num_variables
        good = _qubo_answers(model)
        if self.lie == "feasible":
            return Outcome(Status.OPTIMAL, np.ones((1, n), dtype=np.int8), bound=0.0)
        if self.lie == "bound":
            return Outcome(Status.OPTIMAL, good[-1:], bound=model.energy(good[-1]) + 1.0)
        if self.lie == "empty":
            return Outcome(Status.FEASIBLE)
        if self.lie == "counts":
            return Outcome(Status.FEASIBLE, good, counts=np.array([1]))
        return None  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class Breaks:
    """Breaks in a way of your choice.

    Parameters
    ----------
    how : str
        ``crash`` or ``size``.
    """

    how: str = "crash"

    def solve(self, model: Any, budget: Any, seed: int, progress: Any) -> Outcome:
        if self.how == "size":
            raise SizeError("this toy", model.num_variables, 1, remedy="take fewer numbers")
        raise ZeroDivisionError("a fault of the solver's own")


@dataclass(frozen=True, kw_only=True)
class Polishes:
    """Draws the answers that are neither best nor worst, and says that it made others of them.

    Parameters
    ----------
    makes : str
        What it makes: the ``best`` answer, the ``same`` as the best sample, a ``worse`` one or a
        ``broken`` one.
    draws : str
        ``broken`` draws a sample that breaks the group, five times.
    """

    makes: str = "best"
    draws: str = "feasible"

    def solve(self, model: Any, budget: Any, seed: int, progress: Any) -> Outcome:
        good = _qubo_answers(model)
        broken = np.ones((1, model.num_variables), dtype=np.int8)
        drawn = good[1:-1] if self.draws == "feasible" else broken
        counts = np.arange(1, len(drawn) + 1) if self.draws == "feasible" else np.array([5])
        places = {"best": good[:1], "same": good[1:2], "worse": good[-1:], "broken": broken}
        made = Improved(places[self.makes], np.array([int(counts.sum())]), "polish")
        status = Status.FEASIBLE if self.draws == "feasible" else Status.INFEASIBLE_ANSWERS
        return Outcome(status, drawn, counts, improved=made, reason="drawn")


@dataclass(frozen=True, kw_only=True)
class Waits:
    """Finds its answer at once, and then waits until it is told to stop."""

    def solve(self, model: Any, budget: Any, seed: int, progress: Any) -> Outcome:
        clock = budget.start()
        progress.incumbent(0.0)
        while not (progress.stopping or clock.expired or clock.elapsed > 20):
            time.sleep(0.005)
        return Outcome(Status.FEASIBLE, _qubo_answers(model)[1:2], reason="told to stop")


@dataclass(frozen=True, kw_only=True)
class Continues:
    """Takes the best answer that it starts from one step on; without any it draws one.

    Parameters
    ----------
    forgets : bool
        Answers with its draw whatever it starts from.
    """

    forgets: bool = False

    def solve(
        self, model: Any, budget: Any, seed: int, progress: Any, *, start: Sequence[Any] = ()
    ) -> Outcome:
        good = _qubo_answers(model)
        place = len(good) - 1
        for answer in () if self.forgets else start:
            same = np.flatnonzero((good == answer).all(axis=1))
            place = min([place, *same.tolist()])
        place = max(0, place - (budget.time_limit != 0.0))
        details = {"starts": [list(map(int, answer)) for answer in start]}
        return Outcome(Status.FEASIBLE, good[place:][:1], details=details)


@dataclass(frozen=True, kw_only=True)
class Hybrid:
    """Picks by one of its parts, which can be left out."""

    part: str = "clever"

    def ablations(self) -> tuple[dict[str, Any], ...]:
        return ({"part": "exact"}, {"part": "none"}) if self.part == "clever" else ()

    def solve(self, model: Any, budget: Any, seed: int, progress: Any) -> Outcome:
        place = {"clever": 1, "exact": 0}.get(self.part, 2)
        details = {"ablations": list(self.ablations())}
        return Outcome(Status.FEASIBLE, _qubo_answers(model)[place:][:1], details=details)


@dataclass(frozen=True, kw_only=True)
class Errands:
    """Routes that are given in the routing form and no other."""

    kind: ClassVar[str] = "errands"
    sense: ClassVar[str] = "minimise"
    name: str = "errands"
    routing: Routing
    reference: Reference | None = None

    def data(self) -> dict[str, Any]:
        return {"distance": self.routing.distance}

    def describe(self) -> dict[str, Any]:
        return {"clients": len(self.routing.clients)}

    def lower(self, form: Any, **options: Any) -> Lowering[Any]:
        if form is not Routing or options:
            raise UnsupportedError("errands are routes")
        return Lowering(self.routing, decode=tuple, encode=tuple)

    def to_routing(self) -> Lowering[Any]:
        return self.lower(Routing)

    def score(self, answer: Any) -> Score:
        cost, broken = self.routing.evaluate(answer)
        return Score(cost, tuple(Violation(text, amount) for text, amount in broken))

    def encode_answer(self, answer: Any) -> Any:
        return [[route.vehicle, list(route.clients)] for route in answer]

    def decode_answer(self, data: Any) -> Any:
        return tuple(Route(kind, tuple(clients)) for kind, clients in data)


def _toy(name: str, target: str, **more: Any) -> Spec:
    return Spec("solver", name, "a toy", f"toys:{target}", ("qubo",), role="exact", **more)


SPECS = (
    Spec("problem", "pick", "pick numbers", "toys:Pick", ("qubo", "program"), formats=".pick",
         recognises=lambda name, head: name.endswith(".pick")),
    Spec("problem", "errands", "routes alone", "toys:Errands", ("routing",)),
    _toy("brute", "Brute", stochastic=False),
    _toy("reduced", "Brute", stochastic=False, presolve=True),
    _toy("reduced-continues", "Continues", starts=True, presolve=True),
    _toy("continues", "Continues", starts=True),
    _toy("parted", "Hybrid"),
    _toy("liar", "Liar"),
    _toy("breaks", "Breaks"),
    _toy("waits", "Waits"),
    _toy("polishes", "Polishes"),
    _toy("unbuilt", "Brute", requires=(("no_such_module", "no-such-package"),)),
)


def write_pick(path: Any, text: str = "5 1 4 2 3") -> Any:
    path.write_text(text)
    return path
