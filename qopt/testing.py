"""Conformance checks that any problem or solver plug-in can run in its own tests.

>>> from qopt.testing import check_problem, check_solver
>>> check_solver("my-solver")                                # doctest: +SKIP
>>> check_problem(MyProblem.load("small.txt"))               # doctest: +SKIP

Each raises `AssertionError` with a sentence that says what does not hold.
"""

import json
import pickle
from collections.abc import Iterator, Mapping
from itertools import permutations, product
from typing import Any

import numpy as np

from . import registry
from .errors import QoptError, SizeError
from .forms import (
    FORMS,
    Client,
    Depot,
    Group,
    Lowering,
    Program,
    Qubo,
    Route,
    Routing,
    Shipment,
    Table,
    VehicleType,
)
from .problem import Problem, fingerprint, insight_of, notes_of
from .record import jsonable
from .reduction import has_way, lower, lowering_options
from .solver import PHASES, Budget, Outcome, Progress, Status

ENUMERABLE = 16
"""Variables up to which the checks enumerate every bit string."""

ALSO_ENUMERABLE = 12
"""The same for encodings that are not the default, of which there may be several."""


# -- problems -----------------------------------------------------------------------------------


def check_problem(problem: Problem, *, seed: int = 0) -> None:
    """Check that an instance keeps the contract of `qopt.problem.Problem`.

    A small instance (at most 16 binary variables) is checked exhaustively: the lowered optimum
    decodes to the true one, feasible answers keep their objective, and no infeasible bit string
    lies below the best feasible one; at most 12 in encodings that the lowering to a QUBO offers
    beside its default. Relaxed lowerings promise none of that.

    Raises
    ------
    AssertionError
    """
    assert isinstance(problem, Problem), "a problem needs every member of qopt.problem.Problem"
    assert problem.sense in ("minimise", "maximise"), f"sense is {problem.sense!r}"
    assert problem.name, "an instance needs a name"
    copy = pickle.loads(pickle.dumps(problem))
    assert fingerprint(copy) == fingerprint(problem), "pickling changes the data"
    json.dumps(jsonable(dict(problem.describe())), allow_nan=False)
    spec = registry.find("problem", problem.kind)
    rng = np.random.default_rng(seed)
    for name in spec.forms:
        try:
            lowering = problem.lower(FORMS[name])
        except SizeError:
            assert name == "table", f"{problem.name} is too large for the form {name}"
            continue
        assert isinstance(lowering.model, FORMS[name]), f"lower({name}) gave {lowering.model!r}"
        assert lowering.scale != 0.0, "a lowering that forgets the objective"
        answers = _some_answers(lowering.model, rng)
        for answer in answers:
            _check_answer(problem, lowering, answer)
        _check_many(problem, [lowering.decode(answer) for answer in answers])
        if isinstance(lowering.model, Table) and lowering.model.num_variables <= ENUMERABLE:
            _check_table(problem, lowering)
    if not has_way(problem, ["qubo"]):
        return
    _, lowering = lower(problem, ["qubo"])
    if lowering.model.num_variables <= ENUMERABLE and not lowering.relaxed:
        _check_enumerated(problem, lowering)
    for other in _other_encodings(problem):
        for answer in _some_answers(other.model, rng):
            _check_answer(problem, other, answer)
        if other.model.num_variables <= ALSO_ENUMERABLE and not other.relaxed:
            _check_enumerated(problem, other)


def _other_encodings(problem: Problem) -> Iterator[Lowering[Any]]:
    """QUBOs by the other values of a lowering's option ``encoding``, where they suit."""
    own = lowering_options(registry.find("problem", problem.kind)).get("qubo", {})
    if "encoding" not in own:
        return
    for value in own["encoding"].choices:
        if value != own["encoding"].default:
            try:
                yield lower(problem, ["qubo"], {"encoding": value})[1]
            except QoptError:
                continue


def _some_answers(model: Any, rng: np.random.Generator) -> list[Any]:
    """A few answers of a model, most of them infeasible."""
    if isinstance(model, Qubo | Table):
        return list(rng.integers(0, 2, (8, model.num_variables), dtype=np.int8))
    if isinstance(model, Program):
        low = np.where(np.isfinite(model.lower), model.lower, -3.0)
        high = np.where(np.isfinite(model.upper), model.upper, low + 3.0)
        draws = low + rng.random((8, model.num_variables)) * (high - low)
        return list(np.where(model.integer, np.rint(draws), draws))
    clients = rng.permutation(len(model.clients)).tolist()
    half = len(clients) // 2
    return [
        (Route(0, tuple(clients)),),
        (Route(0, tuple(clients[:half])), Route(0, tuple(clients[half:]))),
        (Route(0, tuple(clients[:half])),),
        (),
    ]


def _check_answer(problem: Problem, lowering: Lowering[Any], answer: Any) -> None:
    decoded = lowering.decode(answer)
    score = problem.score(decoded)
    assert all(v.text and v.amount > 0 for v in score.violations), "a violation without an amount"
    text = json.dumps(jsonable(problem.encode_answer(decoded)), allow_nan=False)
    _check_insight(problem, decoded)
    if score.feasible:
        again = problem.score(problem.decode_answer(json.loads(text)))
        assert again == score, f"an answer scores {score}, and {again} after a trip through JSON"


def _check_insight(problem: Problem, answer: Any) -> None:
    """Facts of an answer are plain values, and the same ones every time; its notes are texts."""
    facts, again = (insight_of(problem, answer) for _ in range(2))
    assert isinstance(facts, Mapping), f"insight gave {type(facts).__name__}, a mapping is needed"
    texts = [json.dumps(jsonable(item), allow_nan=False) for item in (facts, again)]
    assert texts[0] == texts[1], "insight says something else of the same answer"
    said = notes_of(problem, answer)
    assert all(isinstance(note, str) and note for note in said), f"notes are sentences, got {said}"


def _check_many(problem: Problem, answers: list[Any]) -> None:
    """Scoring many answers at once, where a problem offers it, gives what one by one does."""
    if not hasattr(problem, "score_many"):
        return
    for one, other in zip(map(problem.score, answers), problem.score_many(answers), strict=True):
        slack = 1e-9 * max(1.0, abs(one.objective))
        assert one.violations == other.violations, f"score_many says {other}, score {one}"
        assert not one.feasible or abs(one.objective - other.objective) <= slack, (
            f"score_many says {other}, score {one}"
        )


def _check_enumerated(problem: Problem, lowering: Lowering[Any]) -> None:
    model: Qubo = lowering.model
    n = model.num_variables
    bits = (np.arange(2**n)[:, None] >> np.arange(n) & 1).astype(np.int8)
    energies = model.energies(bits)
    penalised = model.penalised().energies(bits)
    broken = model.group_violations(bits)
    feasible = np.zeros(len(bits), dtype=bool)
    values = np.zeros(len(bits))
    for i, row in enumerate(bits):
        if broken[i] == 0:
            score = problem.score(lowering.decode(row))
            feasible[i], values[i] = score.feasible, score.objective
    if not feasible.any():
        return
    sign = 1.0 if problem.sense == "minimise" else -1.0
    scale = max(1.0, float(np.abs(values[feasible]).max()))
    lowered = lowering.scale * energies + lowering.offset
    # Slack variables give one answer several energies; the least of them must be its objective.
    assert (sign * lowered[feasible] >= sign * values[feasible] - 1e-7 * scale).all(), (
        "a feasible answer's energy is better than its objective"
    )
    best = float((sign * values[feasible]).min())
    assert abs(float((sign * lowered[feasible]).min()) - best) <= 1e-7 * scale, (
        "the best feasible answer does not have its objective as energy"
    )
    worst_case = float(penalised[feasible].min())
    tolerance = 1e-7 * max(1.0, abs(worst_case))
    assert (penalised[~feasible] >= worst_case - tolerance).all(), (
        "an infeasible bit string lies below the best feasible one"
    )


def _check_table(problem: Problem, lowering: Lowering[Any]) -> None:
    """A table says of every string whether it is feasible, and its objective where it is."""
    model: Table = lowering.model
    bits = model.samples(np.arange(len(model.values)))
    for row, value, feasible in zip(bits, model.values, model.feasible, strict=True):
        score = problem.score(lowering.decode(row))
        assert score.feasible == feasible, "a table is wrong about what is feasible"
        slack = 1e-7 * max(1.0, abs(score.objective))
        assert not feasible or abs(lowering.objective(value) - score.objective) <= slack, (
            "a string's value is not the objective of its answer"
        )


# -- solvers ------------------------------------------------------------------------------------


def check_solver(name: str, options: Mapping[str, Any] | None = None) -> None:
    """Check that a registered solver keeps the contract of `qopt.solver.Solver`.

    It is run on small models of every form that it takes, whose optimum is known by enumeration:
    answers have the right shape and values, a bound is never on the wrong side, a claim of
    optimality is true, one seed gives one answer, and a budget of nothing and a stop before the
    start end it cleanly. One that starts from answers is never worse than the best feasible one,
    with a budget of nothing too, and takes infeasible ones in its stride.

    Parameters
    ----------
    name : str
        Name in the registry.
    options : mapping, optional
        Options that make it quick on small models.

    Raises
    ------
    AssertionError
    """
    spec = registry.find("solver", name)
    solver = spec.load()(**(options or {}))
    taken = 0
    for form in spec.forms:
        for title, model, best in _models(form):
            taken += _check_model(spec, solver, f"{name} on {title}", model, best)
    assert taken, f"{name} refused every small model of its own forms"


def _check_model(spec: registry.Spec, solver: Any, title: str, model: Any, best: float) -> bool:
    try:
        outcome = _solve(solver, model, Budget())
    except QoptError:
        return False  # a solver may refuse a model, in words
    _check_outcome(title, model, outcome, best)
    if spec.deterministic:
        again = _solve(solver, model, Budget())
        same = _plain(outcome.answers) == _plain(again.answers)
        assert same, f"{title}: the same seed gives other answers"
    _check_outcome(title, model, _solve(solver, model, Budget(time_limit=0.0)), best)
    stopped = Progress()
    stopped.stop()
    _check_outcome(title, model, solver.solve(model, Budget(), 0, stopped), best)
    if spec.starts:
        _check_starts(solver, title, model, best)
    return True


def _check_starts(solver: Any, title: str, model: Any, best: float) -> None:
    """From an optimum nothing but an optimum may come, and a poor start must not harm."""
    sign = _sign(model)
    slack = 1e-6 * max(1.0, abs(best))
    feasible, infeasible = _known_answers(model)
    poor, optimum = feasible[-1], feasible[0]
    lists = [[optimum], [optimum, *infeasible[:2], poor], [poor], [*infeasible[:1], poor]]
    for start in lists:
        least = min(sign * v for v, kept in (_evaluate(title, model, a) for a in start) if kept)
        for budget in (Budget(), Budget(time_limit=0.0)):
            outcome = _solve(solver, model, budget, start=start)
            _check_outcome(title, model, outcome, best)
            found = [
                sign * value
                for value, kept in (_evaluate(title, model, a) for a in outcome.answers) if kept
            ]
            assert min(found, default=np.inf) <= least + slack, (
                f"{title}: worse than the best feasible answer that it started from "
                f"(time limit {budget.time_limit})"
            )
    for answer in infeasible[:1]:
        _check_outcome(title, model, _solve(solver, model, Budget(), start=[answer]), best)


def _known_answers(model: Any) -> tuple[list[Any], list[Any]]:
    """Feasible answers of a small model, best first, and some that are not."""
    sign = _sign(model)
    judged = [(_evaluate("a start", model, answer), answer) for answer in _every_answer(model)]
    kept = [(sign * value, k) for k, ((value, feasible), _) in enumerate(judged) if feasible]
    broken = [answer for (_, feasible), answer in judged if not feasible]
    return [judged[k][1] for _, k in sorted(kept)], broken


def _every_answer(model: Any) -> Iterator[Any]:
    if isinstance(model, Qubo | Table):
        yield from np.array(list(product((0, 1), repeat=model.num_variables)), dtype=np.int8)
    elif isinstance(model, Program):
        ranges = [range(int(a), int(b) + 1) for a, b in zip(model.lower, model.upper, strict=True)]
        yield from (np.array(x, dtype=np.float64) for x in product(*ranges))
    else:
        yield from _every_routes(len(model.clients))


def _sign(model: Any) -> float:
    return -1.0 if isinstance(model, Program) and model.sense == "maximise" else 1.0


def _solve(solver: Any, model: Any, budget: Budget, **more: Any) -> Outcome:
    outcome = solver.solve(model, budget, 7, Progress(), **more)
    assert isinstance(outcome, Outcome), f"{type(outcome).__name__} is no Outcome"
    return outcome


def _check_outcome(title: str, model: Any, outcome: Outcome, best: float) -> None:
    assert isinstance(outcome.status, Status), f"{title}: status {outcome.status!r}"
    json.dumps(jsonable(outcome.details), allow_nan=False)
    assert set(outcome.usage.phases) <= set(PHASES), f"{title}: phases {outcome.usage.phases}"
    assert all(s.wall >= 0 and s.cpu >= 0 for s in outcome.usage.phases.values())
    if outcome.counts is not None:
        assert len(outcome.counts) == len(outcome.answers), f"{title}: counts and answers differ"
        assert (np.asarray(outcome.counts) > 0).all(), f"{title}: an answer that was never seen"
    improved = () if outcome.improved is None else outcome.improved.answers
    if outcome.improved is not None and outcome.improved.counts is not None:
        assert len(outcome.improved.counts) == len(improved), (
            f"{title}: counts and improved answers differ"
        )
    sign = _sign(model)
    slack = 1e-6 * max(1.0, abs(best))
    if outcome.bound is not None:
        assert sign * outcome.bound <= sign * best + slack, (
            f"{title}: bound {outcome.bound} is beyond the optimum {best}"
        )
    values = []
    for answer in [*outcome.answers, *improved]:
        value, feasible = _evaluate(title, model, answer)
        if feasible:
            values.append(sign * value)
    if values:
        assert min(values) >= sign * best - slack, f"{title}: better than the optimum"
    if outcome.status is Status.OPTIMAL:
        assert values, f"{title}: optimal without an answer"
        assert min(values) <= sign * best + slack, f"{title}: optimal claimed, {best} is better"
    assert outcome.status is not Status.PROVEN_INFEASIBLE, f"{title}: there are feasible answers"
    if outcome.status.has_answer:
        assert len(outcome.answers), f"{title}: {outcome.status} without an answer"


def _evaluate(title: str, model: Any, answer: Any) -> tuple[float, bool]:
    if isinstance(model, Qubo):
        x = np.asarray(answer)
        assert x.shape == (model.num_variables,), f"{title}: an answer of shape {x.shape}"
        assert np.isin(x, (0, 1)).all(), f"{title}: an answer with other values than 0 and 1"
        return model.energy(x), not model.group_violations(x)[0]
    if isinstance(model, Table):
        return model.energy(answer), bool(model.keeps(answer)[0])
    if isinstance(model, Program):
        return model.objective(answer), not model.violations(answer)
    value, broken = model.evaluate(answer)
    return value, not broken


def _plain(answers: Any) -> list[Any]:
    return [np.asarray(a).tolist() if not isinstance(a, tuple) else a for a in answers]


def _models(form: str) -> list[tuple[str, Any, float]]:
    """Small models of a form with their optima, by enumeration here and now."""
    if form == "qubo":
        return [(title, model, _best_qubo(model)) for title, model in _qubos()]
    if form == "program":
        return [(title, model, _best_program(model)) for title, model in _programs()]
    if form == "table":
        return [(title, model, float(model.values.min())) for title, model in _tables()]
    return [(title, model, _best_routing(model)) for title, model in _routings()]


def _qubos() -> list[tuple[str, Qubo]]:
    rng = np.random.default_rng(5)
    dense = Qubo.from_matrix(rng.normal(size=(8, 8)))
    return [
        ("a dense QUBO", dense),
        ("an integral QUBO", Qubo.from_matrix(rng.integers(-5, 6, (7, 7)))),
        ("a QUBO with groups", dense.with_groups([Group((0, 2, 4), 1), Group((1, 3, 5, 7), 2)])),
        ("a single variable", Qubo.from_arrays([-1.0])),
        ("a QUBO without coefficients", Qubo.from_arrays(np.zeros(3))),
    ]


def _best_qubo(model: Qubo) -> float:
    bits = np.array(list(product((0, 1), repeat=model.num_variables)), dtype=np.int8)
    return float(model.energies(bits)[model.group_violations(bits) == 0].min())


def _tables() -> list[tuple[str, Table]]:
    rng = np.random.default_rng(3)
    whole = rng.integers(-20, 20, 64).astype(np.float64)
    return [
        ("a table of whole values", Table(whole)),
        ("a table of real values", Table(rng.normal(size=32))),
        ("a table with infeasible strings", Table(np.where(whole > 5.0, 6.0, whole), penalty=6.0)),
        ("a constant table", Table(np.zeros(4))),
    ]


def _programs() -> list[tuple[str, Program]]:
    knapsack = Program.build(
        sense="maximise", linear=[10, 13, 7, 8, 3], offset=1.0,
        constraints=[("weight", range(5), [3, 4, 2, 3, 1], "<=", 7)],
    )
    selection = Program.build(
        linear=[-1, -2, -3, -1, 0], row=[0, 1, 0, 2], col=[1, 2, 4, 3], value=[2.5, 4, -1.5, 1],
        constraints=[("exactly two", range(5), 1.0, "==", 2)],
    )
    integers = Program.build(
        linear=[2, -3], lower=[0, -2], upper=[4, 3],
        constraints=[("sum", [0, 1], [1, 1], "<=", 3), ("least", [0, 1], [2, -1], ">=", -1)],
    )
    return [("a knapsack", knapsack), ("a quadratic selection", selection), ("integers", integers)]


def _best_program(model: Program) -> float:
    ranges = [range(int(a), int(b) + 1) for a, b in zip(model.lower, model.upper, strict=True)]
    values = [model.objective(x) for x in product(*ranges) if not model.violations(x)]
    return max(values) if model.sense == "maximise" else min(values)


def _routings() -> list[tuple[str, Routing]]:
    rng = np.random.default_rng(11)
    places = rng.integers(0, 50, (6, 2))
    matrix = np.rint(np.hypot(*np.moveaxis(places[:, None] - places[None], -1, 0))).astype(float)
    depot = (Depot("depot"),)
    tour = Routing(
        depots=depot, clients=tuple(Client(f"c{i}") for i in range(5)),
        vehicles=(VehicleType(),), distance=matrix, duration=matrix,
    )
    fleet = Routing(
        depots=depot, clients=tuple(Client(f"c{i}", demand=2 + i % 2) for i in range(5)),
        vehicles=(VehicleType(count=3, capacity=6),), distance=matrix, duration=matrix,
    )
    pairs = Routing(
        depots=depot,
        clients=tuple(
            Client(f"c{i}", demand=2.0 * (i == 0), pickup=3.0 * (i == 1)) for i in range(5)
        ),
        vehicles=(VehicleType(count=2, capacity=5, early=5.0, late=190.0, duration_cost=0.5),),
        distance=matrix, duration=matrix, shipments=(Shipment(4, 2, 4.0),),
    )
    return [("a tour", tour), ("a fleet", fleet), ("pickups, a shipment and shifts", pairs)]


def _every_routes(clients: int) -> Iterator[tuple[Route, ...]]:
    """Every order of clients, cut in every way."""
    for order in permutations(range(clients)):
        for cuts in product((False, True), repeat=len(order) - 1):
            routes: list[list[int]] = [[order[0]]]
            for client, cut in zip(order[1:], cuts, strict=True):
                routes.append([client]) if cut else routes[-1].append(client)
            yield tuple(Route(0, tuple(route)) for route in routes)


def _best_routing(model: Routing) -> float:
    judged = map(model.evaluate, _every_routes(len(model.clients)))
    return float(min(value for value, broken in judged if not broken))
