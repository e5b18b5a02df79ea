"""Why an instance has no answer, or an answer leaves a client out, and what would mend it."""

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import impossible
from .errors import InfeasibleError, UnknownNameError, UnsupportedError, UsageError
from .forms import Routing
from .loading import as_problem, load
from .mending import Mend, Mender, Routes, with_client, without
from .numbers import join
from .problem import Problem
from .record import jsonable
from .reduction import native_forms, time_text_of
from .solution import Solution
from .solver import Budget, Status

DEFAULT_SECONDS = 20.0
"""Time that a diagnosis takes at most, where nothing else is asked for."""


SHORTEST = 1.0
"""Seconds of search below which it means nothing that no answer was found."""


@dataclass(frozen=True)
class Diagnosis:
    """What keeps an instance from an answer, and the smallest changes that were found to mend it.

    Parameters
    ----------
    subject : Subject
    feasible : bool or None
        Whether there is a feasible answer; None where neither an answer nor a proof was found.
    finding : str
        The same in a sentence.
    reasons : tuple of str
        What arithmetic says is in the way.
    mends : tuple of Mend
        Each verified by an answer without violations in the changed instance.
    answer : tuple of Route, optional
        A feasible answer, where there is one as it is.
    """

    subject: "Subject"
    feasible: bool | None
    finding: str
    reasons: tuple[str, ...] = ()
    mends: tuple[Mend, ...] = ()
    answer: Routes | None = field(default=None, repr=False)

    def to_json(self) -> dict[str, Any]:
        """What ``qopt why --json`` prints."""
        return {
            "instance": self.subject.name,
            "kind": self.subject.kind,
            "feasible": self.feasible,
            "finding": self.finding,
            "reasons": list(self.reasons),
            "mends": [
                {
                    "kind": mend.kind, "text": mend.text, "amount": mend.amount,
                    "smallest": "proven" if mend.proof else "found", "proof": mend.proof,
                    "objective": mend.objective, "answer": self.subject.encode(mend.answer),
                    "optional_not_visited": self.subject.skipped(mend.answer),
                }
                for mend in self.mends
            ],
            "answer": None if self.answer is None else self.subject.encode(self.answer),
        }

    def __repr__(self) -> str:
        lines = [f"{self.subject.name}: {self.finding}"]
        lines += [f"  {reason}" for reason in self.reasons]
        if self.mends:
            aim = "have it served" if self.feasible else "mend it"
            lines.append(f"each of these would {aim}, and the answer below it shows that:")
        for mend in self.mends:
            how = f"proven smallest by {mend.proof}" if mend.proof else "smallest found"
            lines.append(f"  {mend.text} ({how}); objective {mend.objective:.10g}")
            lines += [f"    {line}" for line in self._routes(mend)]
        return "\n".join(lines)

    def _routes(self, mend: Mend) -> Iterator[str]:
        routing = mend.changed
        several = len(routing.vehicles) > 1
        for route in mend.answer:
            stops = " ".join(routing.clients[c].name for c in route.clients)
            vehicle = f"{routing.vehicles[route.vehicle].name}: " if several else ""
            yield f"{vehicle}{stops}"
        if skipped := self.subject.skipped(mend.answer):
            yield f"optional and not visited, its prizes in the objective: {join(skipped)}"


@dataclass(frozen=True)
class Subject:
    """What is diagnosed: a name, the routes that it stands for, and how answers are written.

    Parameters
    ----------
    name, kind : str
    routing : Routing
    encode : callable
        Turns routes into JSON values.
    time : callable
        Writes times as the instance does.
    """

    name: str
    kind: str
    routing: Routing = field(repr=False)
    encode: Callable[[Routes], Any] = field(repr=False)
    time: Callable[[float], str] = field(default=impossible.plain, repr=False)

    def skipped(self, answer: Routes) -> list[str]:
        """Clients that may be left out, and are."""
        served = {c for route in answer for c in route.clients}
        return [
            client.name for c, client in enumerate(self.routing.clients)
            if not client.required and c not in served
        ]

    @classmethod
    def of_problem(cls, problem: Problem) -> "Subject":
        """A problem that gives routes.

        Raises
        ------
        UnsupportedError
            Where it gives none.
        """
        if "routing" not in native_forms(problem):
            raise UnsupportedError(
                f"why explains routes, and {problem.kind} gives "
                f"{join(native_forms(problem), 'or')}; qopt solve tells what an answer violates"
            )
        lowering = problem.lower(Routing)
        return cls(
            problem.name, problem.kind, lowering.model,
            lambda routes: jsonable(problem.encode_answer(lowering.decode(routes))),
            time_text_of(problem),
        )

    @classmethod
    def of_routing(cls, routing: Routing, name: str = "routing") -> "Subject":
        """A bare routing, clients and vehicles by name."""

        def encode(routes: Routes) -> Any:
            return [
                {"vehicle": routing.vehicles[route.vehicle].name,
                 "clients": [routing.clients[c].name for c in route.clients]}
                for route in routes
            ]

        return cls(name, "routing", routing, encode)


def diagnose(
    instance: Any,
    *,
    client: str | None = None,
    time_limit: float | None = None,
    seed: int = 0,
    kind: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Diagnosis:
    """Say why an instance of routes has no answer, or leaves a client out, and what would mend it.

    Four kinds of changes are sought: clients to be left out, further vehicles, wider windows of the
    clients that would be left out, and limits of vehicles and depots. Each that is told comes with
    an answer that has no violation in the changed instance, by `Routing.evaluate`. A change is
    called the smallest of its kind only where arithmetic or CP-SAT proves it.

    Parameters
    ----------
    instance : Problem, Routing or path
        A problem that gives a `Routing`; a path is read by `qopt.load`.
    client : str, optional
        Name of a client to ask about: for one that may be left out, what serving it would take.
    time_limit : float, optional
        Wall seconds for all searches; 20 if left out.
    seed : int
    kind : str, optional
    settings : mapping, optional
        For a path: as those of `qopt.load`.

    Returns
    -------
    Diagnosis

    Raises
    ------
    UnsupportedError
        For a problem that gives no routes.
    UnknownNameError
        For a client that does not exist.
    """
    limit = DEFAULT_SECONDS if time_limit is None else time_limit
    if limit == 0:
        raise UsageError("a diagnosis needs time: give a limit above 0 seconds")
    subject = _subject(instance, kind, settings or {})
    place = None if client is None else _place(subject.routing, client)
    mender = Mender(subject.routing, Budget(time_limit=limit).start(), seed, subject.time)
    if place is not None and not subject.routing.clients[place].required:
        return _about_optional(subject, mender, place)
    return _about(subject, mender, place)


def _subject(instance: Any, kind: str | None, settings: Mapping[str, Any]) -> Subject:
    if isinstance(instance, Routing):
        return Subject.of_routing(instance)
    if not isinstance(instance, str | Path):
        return Subject.of_problem(as_problem(instance))
    try:
        return Subject.of_problem(load(instance, kind=kind, **settings))
    except InfeasibleError as fault:
        # The instance is refused as having no answer, and yet whole enough to be explained.
        if isinstance(fault.model, Routing):
            return Subject.of_routing(fault.model, Path(instance).stem)
        raise


def _place(routing: Routing, name: str) -> int:
    names = [client.name for client in routing.clients]
    if name not in names:
        raise UnknownNameError("client", name, names)
    return names.index(name)


def _about(
    subject: Subject, mender: Mender, place: int | None
) -> Diagnosis:
    """An instance, with an eye on one client that must be served where `place` says so."""
    routing = mender.routing
    reasons = impossible.reasons(routing, subject.time)
    answer = None if reasons else mender.any(routing)
    proof = "arithmetic" if reasons else ""
    if answer is None and not reasons:
        outcome = mender.prove(routing, share=0.15)
        if outcome is not None and outcome.status.has_answer:
            answer = tuple(outcome.answers[0])
        elif outcome is not None and outcome.status is Status.PROVEN_INFEASIBLE:
            proof = "cpsat"
    if answer is not None and not routing.evaluate(answer)[1]:
        value = routing.evaluate(answer)[0]
        finding = f"feasible: an answer of objective {value:.10g} violates nothing"
        if place is not None:
            finding += f"; it serves client {routing.clients[place].name}"
        return Diagnosis(subject, True, finding, answer=answer)
    finding = f"infeasible, proven by {proof}" if proof else "no feasible answer was found"
    mends = _mends(mender, place)
    if not mends:
        reasons.append("no change of a single kind was found that mends it in the time given")
    return Diagnosis(subject, False if proof else None, finding, tuple(reasons), mends)


def _mends(mender: Mender, place: int | None) -> tuple[Mend, ...]:
    with mender.taking(0.2):
        fleets = list(mender.vehicles())
    with mender.taking(0.2):
        dropped = None if place is None else _leave_out(mender, place)
        dropped = dropped or mender.drop(fleets[0] if fleets else None)
    found = [*([] if dropped is None else [dropped]), *fleets]
    with mender.taking(0.2):
        if dropped is not None and (widened := mender.windows(dropped)) is not None:
            found.append(widened)
    with mender.taking(0.2):
        found += mender.limits()
    return tuple(mender.proven(found))


def _leave_out(mender: Mender, place: int) -> Mend | None:
    """Leaving out one client, if that mends the instance."""
    changed = without(mender.routing, [place])
    routes = mender.best(changed, share=0.3)
    if routes is None:
        return None
    text = f"leave out 1 client: {mender.routing.clients[place].name}"
    return mender.mend("drop", text, 1.0, changed, routes)


def _about_optional(
    subject: Subject, mender: Mender, place: int
) -> Diagnosis:
    """A client that may be left out: what serving it would take."""
    routing = mender.routing
    client = routing.clients[place]
    reason = impossible.impossible_clients(routing, [place], time=subject.time).get(place)
    best = mender.best(routing, share=0.3)
    if best is None:
        return _about(subject, mender, None)
    value = routing.evaluate(best)[0]
    if any(place in route.clients for route in best):
        finding = f"the best answer found, of objective {value:.10g}, serves client {client.name}"
        return Diagnosis(subject, True, finding, answer=best)
    head = f"the best answer found, of objective {value:.10g}, leaves out client {client.name}"
    forced = with_client(routing, place, replace(client, required=True, prize=0.0))
    served = None if reason else mender.best(forced, share=0.3)
    if served is not None:
        more = forced.evaluate(served)[0] - (value - client.prize)
        text = (
            f"serving client {client.name} costs {more:.10g} more, its prize is {client.prize:g}: "
            "a prize above that makes it worth while"
        )
        changed = with_client(routing, place, replace(client, prize=more))
        mend = mender.mend("prize", text, more - client.prize, changed, served)
        return Diagnosis(
            subject, True, head, mends=() if mend is None else (mend,), answer=best
        )
    helper = Mender(forced, mender.clock, mender.seed, mender.time)
    reasons = (f"client {client.name}: {reason}",) if reason else ()
    return Diagnosis(
        subject, True, f"{head}; no answer was found that serves it", reasons,
        tuple(m for m in _mends(helper, place) if m.kind != "drop"), best,
    )


def advice(
    solution: Solution,
    file: str,
    kind: str | None = None,
    settings: Mapping[str, str] | None = None,
) -> str:
    """What to run after a run of routes that ended without a feasible answer; else nothing.

    A time limit below `SHORTEST` that ended before any answer says nothing of the instance: more
    time is advised then.

    Parameters
    ----------
    solution : Solution
    file : str
    kind : str, optional
    settings : mapping, optional
        What the file was read with, as it was given.
    """
    if solution.status.has_answer or "routing" not in native_forms(solution.problem):
        return ""
    limit = solution.record.budget["time_limit"]
    if solution.status is Status.TIME_LIMIT and limit is not None and limit < SHORTEST:
        return f"a time limit of {limit:g} s was too short for any answer: give it more"
    words = ["qopt", "why", file, *(("--kind", kind) if kind else ())]
    for name, value in (settings or {}).items():
        words += ["--set", f"{name}={value}"]
    return f"{shlex.join(words)}   shows what is in the way and what would mend it"
