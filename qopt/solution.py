"""What one run gives back: the best answer, scored by the problem itself, with its record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import (
    EXIT_NO_FEASIBLE_ANSWER,
    EXIT_PROVEN_INFEASIBLE,
    MissingPackageError,
    UnsupportedError,
    UsageError,
)
from .forms import FORMS
from .problem import Problem, Score, Sense
from .record import Record
from .solver import Status
from .stats import Gap, gap


@dataclass(frozen=True)
class Solution:
    """The best answer of one run, scored by the problem itself.

    Parameters
    ----------
    problem : Problem
    answer : object
        In the problem's own terms; None where the run ended without any.
    score : Score or None
        Objective and violations of `answer`.
    record : Record
        The whole run: status, bound, samples, trace, usage, money, environment.
    """

    problem: Problem
    answer: Any
    score: Score | None
    record: Record

    @property
    def status(self) -> Status:
        """What is known at the end of the run."""
        return self.record.status

    @property
    def objective(self) -> float | None:
        """Objective of the answer in the problem's units."""
        return self.record.objective

    @property
    def feasible(self) -> bool:
        """Whether the answer keeps every constraint."""
        return self.record.feasible

    @property
    def bound(self) -> float | None:
        """Proven bound: no feasible answer is better."""
        return self.record.bound

    @property
    def gap(self) -> float | None:
        """Relative distance of a feasible objective from the bound: 0.01 is 1 %.

        None without a bound, or where a percentage has no meaning: where the bound is 0, next to
        it, or on its other side (`qopt.stats.gap`); `gap_absolute` has one there, too.
        """
        found = self._gap
        return None if found is None or found.relative is None else abs(found.relative)

    @property
    def gap_absolute(self) -> float | None:
        """Distance of a feasible objective from the bound in the problem's units."""
        found = self._gap
        return None if found is None else abs(found.absolute)

    @property
    def _gap(self) -> Gap | None:
        if self.bound is None or self.objective is None or not self.feasible:
            return None
        return gap(self.objective, self.bound, self._sense)

    @property
    def _sense(self) -> Sense:
        return "maximise" if self.record.instance.sense == "maximise" else "minimise"

    def to_json(self) -> dict[str, Any]:
        """What ``qopt solve --json`` prints."""
        record = self.record
        return {
            "id": record.id,
            "instance": record.instance.name,
            "kind": record.instance.kind,
            "sense": record.instance.sense,
            "solver": record.solver,
            "options": record.options,
            "form": record.form,
            "seed": record.seed,
            "budget": record.budget,
            "status": str(record.status),
            "reason": record.reason,
            "objective": record.objective,
            "feasible": record.feasible,
            "violations": [text for text, _ in record.violations],
            "bound": record.bound,
            "gap": self.gap,
            "gap_absolute": self.gap_absolute,
            "reference": record.instance.reference,
            "answer": record.answer,
            "insight": record.insight,
            "samples": record.samples,
            "usage": {**record.usage.to_json(), "wall": record.wall, "cpu": record.cpu},
            "to_best": record.to_best,
            "cost": record.money,
            "cost_to_best": record.money_to_best,
            "price_list": record.price_list,
            "limits": record.limits,
            "notes": list(record.notes),
            "details": record.details,
        }

    def explanation(self) -> list[str]:
        """Why these solvers ran, line by line: features, rules, plan and what each turn gave."""
        details = self.record.details
        told = details.get("explanation")
        if told is None:
            return [self._unchosen(), *_race(details.get("winner"), _shares(details))]
        facts = ", ".join(f"{name} {_fact(value)}" for name, value in told["features"].items())
        lines = [f"measured: {facts}"]
        lines += [f"does not hold: {rule}" for rule in told["rules_passed"]]
        lines.append(f"holds: {told['rule']} ({told['why']})")
        for step in told["plan"]:
            share = "" if step["until"] == 1.0 else f", until {step['until']:.0%} of the time"
            lines.append(f"plan: {step['role']} with {' or '.join(step['solvers'])}{share}")
        lines += [f"passed over: {text}" for text in details.get("passed_over", ())]
        for turn in told["turns"]:
            found = f"objective {turn['objective']:.10g}" if turn["objective"] is not None else ""
            bound = f"bound {turn['bound']:.10g}" if turn["bound"] is not None else ""
            parts = [turn["status"], found, bound, f"{turn['seconds']:.3g} s"]
            lines.append(f"{turn['solver']}: {', '.join(filter(None, parts))}")
            own = turn.get("details", {})
            lines += _race(own.get("winner"), own.get("shares", {}))
        return lines

    def _unchosen(self) -> str:
        """Why there is no choice of solvers to explain."""
        record = self.record
        if record.details.get("decided_by") == "presolve":
            return "presolve decided every variable: nothing was left to choose a solver for"
        if not record.form and record.reason:
            return f"no solver ran: {record.reason}"
        return f"{record.solver} was asked for by name: nothing was chosen"

    def to_frame(self) -> Any:
        """One row of a pandas data frame.

        Raises
        ------
        MissingPackageError
            Where pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError:
            raise MissingPackageError("to_frame()", ["pandas"]) from None
        data = self.to_json()
        columns = (
            "instance", "solver", "seed", "status", "objective", "feasible", "bound", "gap",
            "gap_absolute",
        )
        row = {name: data[name] for name in columns}
        return pd.DataFrame([{**row, "wall": self.record.wall, "cpu": self.record.cpu}])

    def _known(self, reference: dict[str, Any]) -> str:
        """The best known value, and how far the answer is from it."""
        value = float(reference["value"])
        told = "; ".join(filter(None, [reference["source"], reference.get("convention")]))
        words = f"best known {value:.10g}" + (f" ({told})" if told else "")
        if self.objective is None or not self.feasible:
            return words
        apart = gap(self.objective, value, self._sense)
        if apart.absolute == 0.0:
            return f"{words}, reached"
        relative = "" if apart.relative is None else f" ({100.0 * abs(apart.relative):.3g} %)"
        side = "worse" if apart.absolute > 0.0 else "better"
        return f"{words}, {abs(apart.absolute):.4g}{relative} {side}"

    def _distance(self) -> str:
        """The gap in percent, or in the problem's units where a percentage has no meaning."""
        if self.gap is not None:
            return f", gap {100 * self.gap:.3g} %"
        return "" if self.gap_absolute is None else f", {self.gap_absolute:.4g} from it"

    def __repr__(self) -> str:
        record = self.record
        value = "no answer" if record.objective is None else f"objective {record.objective:.10g}"
        lines = [f"{record.instance.name} by {record.label}: {record.status}, {value}"]
        if record.bound is not None:
            lines.append(f"  bound {record.bound:.10g}{self._distance()}")
        if record.instance.reference is not None:
            lines.append(f"  {self._known(record.instance.reference)}")
        lines.extend(f"  violated: {text}" for text, _ in record.violations[:5])
        if record.reason:
            lines.append(f"  {record.reason}")
        setup = record.usage.setup
        after = f" after {setup:.2f} s of setup" if setup >= 0.01 else ""
        lines.append(f"  {record.wall:.2f} s wall, {record.cpu:.2f} s CPU{after}, run {record.id}")
        return "\n".join(lines)


def exit_code(status: Status) -> int:
    """What the command line ends with after a run that ended so."""
    if status.has_answer:
        return 0
    if status is Status.PROVEN_INFEASIBLE:
        return EXIT_PROVEN_INFEASIBLE
    return EXIT_NO_FEASIBLE_ANSWER


def write_answer(solution: Solution, path: Path) -> None:
    """Write the answer of a run to a file.

    ``.json`` is the problem's own JSON; any other ending ``.abc`` is the text that the problem's
    method ``to_abc(answer)`` gives (``.sol`` for routes).

    Raises
    ------
    UnsupportedError
        Where there is no answer, or the problem has no such format.
    """
    check_answer_path(solution.problem, path)
    if solution.answer is None:
        raise UnsupportedError(f"the run ended without an answer; {path} is not written")
    if path.suffix == ".json":
        text = json.dumps(solution.record.answer, indent=2) + "\n"
    else:
        text = getattr(solution.problem, f"to_{path.suffix[1:]}")(solution.answer)
    path.write_text(text, encoding="utf-8")


def check_answer_path(problem: Problem, path: Path) -> None:
    """Refuse a file that an answer could not be written to, before anything runs for it.

    Raises
    ------
    UsageError
        For a folder that is not there.
    UnsupportedError
        Where the problem has no such format, or by its own ``check_answer_format`` cannot fill it.
    """
    own = [name[3:] for name in dir(problem) if name.startswith("to_")]
    formats = ["json", *(name for name in own if name not in FORMS)]
    if path.suffix.removeprefix(".") not in formats:
        raise UnsupportedError(
            f"{problem.kind} writes answers as .{' or .'.join(formats)}, "
            f"not {path.suffix or 'without an ending'}"
        )
    check = getattr(problem, "check_answer_format", None)
    if check is not None:
        check(path.suffix.removeprefix("."))
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} of the answer does not exist; make it first")


def _shares(details: Mapping[str, Any]) -> dict[str, float]:
    """The shares of the budget that went to searches that raced, by name."""
    return {name: arm["share"] for name, arm in details.get("arms", {}).items()}


def _race(winner: str | None, shares: Mapping[str, float]) -> list[str]:
    """Which of several searches won a race, and what each got of the budget; else nothing."""
    if not winner:
        return []
    parts = [
        f"{name} {share:.0%}" for name, share in sorted(shares.items(), key=lambda s: -s[1])
    ]
    return [f"  {winner} won the race; shares of the budget: {', '.join(parts)}"]


def _fact(value: Any) -> str:
    """A measured feature for reading."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.3g}" if isinstance(value, float) else str(value)
