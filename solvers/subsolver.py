"""What hybrids share: how a subsolver is named, asked and charged, and what it is judged by."""

from dataclasses import dataclass, field
from typing import Any

from qopt.errors import InfeasibleError, SizeError, UnsupportedError, UsageError
from qopt.forms import Qubo
from qopt.options import check_options
from qopt.registry import find
from qopt.run import parse_solver
from qopt.solver import Budget, Clock, Meter, Outcome, Progress, Usage

from .ledger import add_usage


def open_subsolver(text: str) -> Any:
    """A subsolver with its options.

    Parameters
    ----------
    text : str
        A solver of QUBOs with its options, in brackets where there are several: ``sa``,
        ``qaoa:p=2``, ``[qaoa:p=2,device=aer:torino]``; or ``none``.

    Returns
    -------
    Solver or None
        None for ``none``.

    Raises
    ------
    UsageError
        For a solver of other forms, an unknown name or a wrong option.
    """
    name, options = parse_solver(_unwrapped(text))
    if name == "none":
        if options:
            raise UsageError(f"subsolver=none takes no options, got {', '.join(options)}")
        return None
    spec = find("solver", name)
    if "qubo" not in spec.forms:
        raise UsageError(
            f"subsolver must solve QUBOs, and {name!r} solves {' and '.join(spec.forms)}; take "
            "sa, exact, qaoa or none"
        )
    target = spec.load()
    return target(**check_options(target, options, f"subsolver {name!r}"))


def ablations_of(text: str) -> tuple[dict[str, Any], ...]:
    """Options of the runs by which a hybrid with this subsolver is to be judged."""
    name = parse_solver(_unwrapped(text))[0]
    weaker = {"exact": ("none",), "none": ()}.get(name, ("exact", "none"))
    return tuple({"subsolver": other} for other in weaker)


def _unwrapped(text: str) -> str:
    text = text.strip()
    return text[1:-1] if text.startswith("[") and text.endswith("]") else text


class Within(Progress):
    """What a solver inside another one reports to: nobody; it ends with the whole run."""

    def __init__(self, outer: Progress, clock: Clock) -> None:
        super().__init__()
        self._outer, self._clock = outer, clock

    @property
    def stopping(self) -> bool:
        """Whether the whole run should end now."""
        return self._outer.stopping or self._clock.expired


@dataclass
class Calls:
    """The calls of a run to its subsolver, and what they came to.

    Parameters
    ----------
    inner : Solver or None
        As `open_subsolver` gives it; None is not to be asked.
    threads : int
        Threads that it may use.
    progress : Progress
        Of the whole run.
    clock : Clock
        Of the whole run.
    usage : Usage
        The run's ledger, to which every call adds its own.
    meter : Meter, optional
        Of the whole run, which every call is held to.
    """

    inner: Any
    threads: int
    progress: Progress
    clock: Clock
    usage: Usage
    meter: Meter | None = None
    made: int = field(default=0, init=False)
    """Calls that were answered, with or without samples."""
    feasible: int = field(default=0, init=False)
    """Calls with a feasible answer, by whoever looks at the answers."""
    refused: int = field(default=0, init=False)
    refusal: str = field(default="", init=False)
    """The words of the last refusal."""
    largest: int = field(default=0, init=False)
    """Variables of the largest QUBO that was asked."""
    wall: float = field(default=0.0, init=False)
    """Wall seconds of the calls, their setup aside."""

    def ask(self, model: Qubo, seed: int) -> Outcome | None:
        """What the subsolver makes of a QUBO; None where it takes no such model.

        Raises
        ------
        SizeError, UnsupportedError
            Where it has not taken any model so far.
        """
        self.largest = max(self.largest, model.num_variables)
        try:
            outcome: Outcome = self.inner.solve(
                model, Budget(threads=self.threads, meter=self.meter), seed,
                Within(self.progress, self.clock),
            )
        except InfeasibleError:
            return None
        except (SizeError, UnsupportedError) as fault:
            self.refused += 1
            self.refusal = str(fault)
            if not self.made:
                raise
            return None
        self.made += 1
        self.wall += outcome.usage.wall
        add_usage(self.usage, outcome.usage)
        return outcome

    def details(self) -> dict[str, Any]:
        """Figures for the record."""
        wall = self.usage.wall
        return {
            "subsolver_calls": self.made,
            "subsolver_feasible": self.feasible,
            "subsolver_refused": self.refused,
            "subsolver_share": self.wall / wall if wall else 0.0,
            "largest_qubo": self.largest,
        }


def samples_of(outcome: Outcome) -> list[Any]:
    """All answers of an outcome, what post-processing made of them included."""
    improved = () if outcome.improved is None else outcome.improved.answers
    return [*outcome.answers, *improved]
