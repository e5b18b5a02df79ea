"""Synthetic run records with known truths."""

from dataclasses import replace
from itertools import count
from typing import Any

import numpy as np

from qopt.pricing import charge, price_list
from qopt.record import InstanceFacts, Record, content_key
from qopt.solver import Span, Status, Usage

_numbers = count()

ENVIRONMENT = {
    "python": "3.11.9", "platform": "Linux-6.1-x86_64", "processor": "Example CPU 3.0 GHz",
    "cores": 2, "host": "example", "git": "abc123", "packages": {"numpy": "2.4.6", "qiskit": "2.6"},
}


def reference(value: float, source: str = "TSPLIB", proven: bool = False) -> dict[str, Any]:
    return {"value": value, "source": source, "proven": proven, "convention": ""}


def instance(name: str = "burma14", **changes: Any) -> InstanceFacts:
    values: dict[str, Any] = {
        "name": name, "kind": "tsp", "sense": "minimise", "sha256": content_key({"name": name}),
        "size": {"cities": 14}, "path": f"instances/{name}.tsp",
    }
    return InstanceFacts(**{**values, **changes})


def usage(wall: float = 1.0, **changes: Any) -> Usage:
    """A ledger whose phases add up to `wall`, after a fifth as much of setup."""
    parts = {"lower": 0.02, "setup": 0.2, "execute": 0.95, "decode": 0.03}
    phases = {name: Span(wall * part, wall * part) for name, part in parts.items()}
    return Usage(phases=phases, evaluations=1000, **changes)


def device_usage(wall: float = 3.0, shots: int = 1024, **changes: Any) -> Usage:
    """A ledger of a simulated device."""
    parts = {"lower": 0.01, "compile": 0.3, "execute": 0.49, "optimise": 0.18, "decode": 0.02}
    values: dict[str, Any] = {
        "phases": {name: Span(wall * part, 1.6 * wall * part) for name, part in parts.items()},
        "circuits": 1, "shots": shots, "qubits": 14, "depth": 180, "two_qubit_gates": 260,
        "one_qubit_gates": 500, "logical_depth": 40, "logical_two_qubit_gates": 90,
        "device": "aer:torino", "simulated": True, "device_seconds": 0.00035 * shots,
        "success_probability": 0.08,
    }
    return Usage(**{**values, **changes})


def samples(best: float | None, total: int, feasible: int, best_total: int = 1) -> dict[str, Any]:
    middle = None if best is None else best * 1.2
    return {
        "distinct": min(total, 500), "total": total, "scored": total, "feasible_total": feasible,
        "best": best, "best_total": best_total if best is not None else 0,
        "median": middle, "mean": middle,
    }


def record(
    objective: float | None = 3400.0,
    *,
    solver: str = "sa",
    role: str = "heuristic",
    seed: int | None = None,
    facts: InstanceFacts | None = None,
    status: Status | None = None,
    **changes: Any,
) -> Record:
    """One run: feasible with this objective, or without any if it is None."""
    number = next(_numbers)
    if status is None:
        status = Status.FEASIBLE if objective is not None else Status.INFEASIBLE_ANSWERS
    used = changes.pop("usage", None) or usage()
    prices = price_list()
    values: dict[str, Any] = {
        "key": content_key({"number": number}),
        "task": {},
        "instance": facts or instance(),
        "solver": solver,
        "solver_version": "qopt-toolkit 0.1.0",
        "role": role,
        "form": "qubo",
        "options": {},
        "seed": number if seed is None else seed,
        "budget": {"time_limit": 5.0, "evaluations": None, "threads": 1},
        "deterministic": False,
        "status": status,
        "objective": objective,
        "feasible": status.has_answer,
        "usage": used,
        "money": charge(used, prices),
        "price_list": prices.version,
        "trace": {"incumbents": [] if objective is None else [[0.1, 1.3 * objective],
                                                              [0.4, objective]], "bounds": []},
        "environment": ENVIRONMENT,
        "started": "2026-11-21T10:00:00.000+00:00",
        "wall": used.wall,
        "cpu": used.cpu,
    }
    return Record(**{**values, **changes})


def runs(objectives: list[float | None], **same: Any) -> list[Record]:
    """Seeds 0, 1, ... of one solver."""
    return [record(value, seed=seed, **same) for seed, value in enumerate(objectives)]


def optimal(value: float, seeds: int = 5, **same: Any) -> list[Record]:
    """An exact solver that proves `value`."""
    same = {"solver": "cpsat", "role": "exact", **same}
    return [
        record(value, seed=seed, status=Status.OPTIMAL, bound=value, **same)
        for seed in range(seeds)
    ]


def quantum(objectives: list[float | None], shots: int = 1024, **same: Any) -> list[Record]:
    """QAOA on a simulated device; a run without a feasible answer is None."""
    made = []
    for seed, value in enumerate(objectives):
        options = {"solver": "qaoa", "role": "quantum", "options": {"p": 2, "device": "aer:torino"}}
        made.append(record(value, seed=seed, **{
            **options, "usage": device_usage(shots=shots),
            "samples": samples(value, shots, min(60, shots) if value is not None else 0), **same,
        }))
    return made


def floor(objectives: list[float | None], total: int = 1024, **same: Any) -> list[Record]:
    """Random sampling."""
    return [
        record(value, seed=seed, solver="random", role="floor",
               **{"samples": samples(value, total, total), **same})
        for seed, value in enumerate(objectives)
    ]


def polished(
    made: list[Record], answers: list[float | None], method: str = "descent"
) -> list[Record]:
    """The same runs with answers that post-processing made, None where it made no better one."""
    done = []
    for one, answer in zip(made, answers, strict=True):
        best = one.objective if answer is None else answer
        improved = {
            "method": method, "answer": answer is not None,
            **samples(best, one.samples["total"], one.samples["total"]),
        }
        ended = one.status if answer is None else Status.FEASIBLE
        done.append(replace(
            one, key=content_key({"number": next(_numbers)}), objective=best, status=ended,
            feasible=ended.has_answer, options={**one.options, "postprocess": method},
            samples={**one.samples, "improved": improved},
        ))
    return done


def refused(**same: Any) -> Record:
    """A model that is too large for the solver."""
    return record(
        None, status=Status.UNSUPPORTED, usage=Usage(), money=[],
        reason="exact enumeration takes at most 28 variables, the model has 169",
        **{"solver": "exact", "role": "exact", **same},
    )


def crashed(**same: Any) -> Record:
    """A run that broke."""
    return record(
        None, status=Status.FAILED, usage=Usage(phases={"execute": Span(0.5, 0.5)}), money=[],
        reason="ZeroDivisionError: a fault of the solver's own", error="Traceback ...", **same,
    )


def demo_records() -> list[Record]:
    """Four instances and six solvers, with refusals, crashes and quantum runs."""
    rng = np.random.default_rng(5)
    tsp = instance("burma14", reference=reference(3323, "TSPLIB", proven=True))
    cvrp = instance(
        "P-n16-k8", kind="cvrp", size={"clients": 15, "vehicles": 8, "capacity": 35},
        reference=reference(450, "CVRPLIB"), path="instances/P-n16-k8.vrp",
    )
    folio = instance(
        "etf-20", kind="portfolio", size={"assets": 20, "select": 5}, path="instances/etf-20.toml",
    )
    cut = instance(
        "toruspm-5", kind="maxcut", sense="maximise", size={"vertices": 125, "edges": 375},
        reference=reference(98, "Biq Mac library"), path="instances/toruspm.txt",
    )
    made: list[Record] = []
    for facts, best in ((tsp, 3323.0), (cvrp, 450.0), (folio, -0.00123456789), (cut, 98.0)):
        sign = -1.0 if facts.sense == "maximise" else 1.0

        def near(spread: float, n: int = 5, best: float = best, sign: float = sign) -> list[Any]:
            noise = rng.exponential(spread, n)
            values = best + sign * abs(best) * noise
            return [float(v if abs(best) < 1 else round(v)) for v in values]

        def path(end: float, start: float, wall: float) -> dict[str, Any]:
            times = np.sort(rng.exponential(wall / 4, 8)).clip(0.001, wall)
            steps = end + (start - end) * np.linspace(1, 0, 8) ** 2
            return {"incumbents": [[float(t), float(v)] for t, v in
                                   zip(times, steps, strict=True)], "bounds": []}

        worst = best + sign * abs(best) * 0.6
        if facts is not cut:
            made += [
                record(best, seed=s, solver="cpsat", role="exact", facts=facts, bound=best,
                       status=Status.OPTIMAL, usage=usage(0.8), trace=path(best, worst, 0.8))
                for s in range(5)
            ]
        else:
            made += [
                record(v, seed=s, solver="cpsat", role="exact", facts=facts, bound=112.0,
                       usage=usage(5.0), trace=path(v, worst, 5.0))
                for s, v in enumerate([96.0, 97.0, 97.0, 96.0, 97.0])
            ]
        made += [
            record(v, seed=s, facts=facts, usage=usage(5.0), trace=path(v, worst, 5.0),
                   samples=samples(v, 64, 64))
            for s, v in enumerate([best, best, *near(0.01, 3)])
        ]
        if facts is tsp or facts is cvrp:
            made.append(record(best, seed=0, solver="routing", facts=facts, usage=usage(5.0)))
            made.append(refused(facts=facts, seed=0))
        qaoa: list[Any] = near(0.12)
        if facts is tsp:
            qaoa[1] = None
        made += quantum(qaoa, facts=facts)
        ideal = [best, *near(0.03, 4)]
        made += quantum(
            ideal, facts=facts, options={"p": 2, "device": "statevector"},
            usage=device_usage(
                1.2, device="statevector", device_seconds=None, success_probability=1.0, depth=40,
                two_qubit_gates=90,
            ),
        )
        if facts is cut:
            made[-1] = crashed(
                solver="qaoa", role="quantum", facts=facts, seed=4,
                options={"p": 2, "device": "statevector"},
            )
        made += floor(near(0.2), facts=facts)
    return made
