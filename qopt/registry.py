"""Finding problems, solvers, devices and analyses by the specs that packages publish.

A package publishes a sequence of `Spec` under the group ``qopt.plugins``::

    [project.entry-points."qopt.plugins"]
    mine = "my_package:SPECS"

A spec is data. Listing specs imports the package that holds them and nothing heavier: the solver's
own module is imported by `Spec.load`, and libraries are probed without importing them. The spec of
devices leads to a `qopt.devices.DeviceFamily`.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from importlib.util import find_spec
from typing import Any, Literal
from warnings import warn

from .errors import (
    MissingPackageError,
    PluginWarning,
    QoptError,
    UnknownNameError,
    UsageError,
)

GROUP = "qopt.plugins"

Kind = Literal["problem", "solver", "device", "analysis"]
"""What a spec publishes."""


Role = Literal["exact", "heuristic", "quantum", "sampler", "floor", "chooser"]
"""What a solver is in a comparison: ``floor`` is the null that every sampler must beat."""


@dataclass(frozen=True)
class Spec:
    """A problem, solver, family of devices or analysis that can be loaded by name.

    Parameters
    ----------
    kind : {"problem", "solver", "device", "analysis"}
    name : str
        Lower case, words joined by hyphens.
    summary : str
        One line for listings.
    target : str
        ``"module:attribute"`` of the class; of a device, of the `qopt.devices.DeviceFamily`; of an
        analysis, of the function (`qopt.analysis`).
    forms : tuple of str
        For a solver or device, the forms it takes, the preferred one first. For a problem, the
        forms that its `lower` gives, the tightest first. None for an analysis.
    requires : tuple of (str, str)
        Modules it needs and the distributions that hold them: ``(("pyvrp", "pyvrp"),)``.
    install : str
        What pip is given for all of `requires`: ``"qopt-toolkit[scip]"``; empty for the
        distributions that are missing.
    role : str, optional
        For a solver, its part in a comparison.
    deterministic : bool
        For a solver, whether one seed gives one answer as long as no time limit ends the run.
    deterministic_in_parallel : bool
        For a solver, whether that holds with several threads, too.
    stochastic : bool
        For a solver, whether the seed changes anything: one that it does not change runs once.
    starts : bool
        For a solver, whether its ``solve`` takes ``start``: answers of the model to start from,
        best first (`qopt.solver.Solver`).
    presolve : bool
        For a solver, whether QUBOs are reduced before it sees them, unless its user forbids it.
    formats : str
        For a problem, the files it reads, in words.
    recognises : callable, optional
        For a problem: whether a file is one of its own, from the file's name and its first 4096
        characters.
    origin : str
        Where the registry found it; filled in there.
    """

    kind: Kind
    name: str
    summary: str
    target: str
    forms: tuple[str, ...] = ()
    requires: tuple[tuple[str, str], ...] = ()
    install: str = ""
    role: Role | None = None
    deterministic: bool = True
    deterministic_in_parallel: bool = True
    stochastic: bool = True
    starts: bool = False
    presolve: bool = False
    formats: str = ""
    recognises: Callable[[str, str], bool] | None = field(default=None, repr=False)
    origin: str = ""

    def missing(self) -> tuple[str, ...]:
        """Distributions that are needed and not installed; nothing is imported."""
        return tuple(package for module, package in self.requires if not _installed(module))

    def load(self) -> Any:
        """Import the class or function.

        Raises
        ------
        MissingPackageError
            Where a distribution is missing.
        """
        if missing := self.missing():
            raise MissingPackageError(f"{self.kind} {self.name!r}", missing, self.install)
        return self.described()

    def described(self) -> Any:
        """The class or function for reading its options, whether or not it could run.

        Raises
        ------
        MissingPackageError
            Where its own module imports a distribution that is missing.
        """
        module, _, attribute = self.target.partition(":")
        try:
            return getattr(import_module(module), attribute)
        except ModuleNotFoundError as fault:
            if missing := self.missing():
                raise MissingPackageError(
                    f"{self.kind} {self.name!r}", missing, self.install
                ) from fault
            raise


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent of a dotted name is not there
        return False


def gather(groups: Iterable[tuple[str, Iterable[Spec]]]) -> dict[tuple[str, str], Spec]:
    """Join the specs of several origins.

    Raises
    ------
    UsageError
        Where two specs of one kind share a name; both origins are named.
    """
    found: dict[tuple[str, str], Spec] = {}
    for origin, specs in groups:
        for spec in specs:
            key = (spec.kind, spec.name)
            if key in found:
                raise UsageError(
                    f"{spec.kind} {spec.name!r} is published by both {found[key].origin} and "
                    f"{origin}; uninstall one of them"
                )
            found[key] = replace(spec, origin=origin)
    return found


def _refuse_namesake() -> None:
    """Another project on the registry is called ``qopt``; both would write into one folder."""
    try:
        namesake = distribution("qopt")
    except PackageNotFoundError:
        return
    raise QoptError(
        f"the distribution 'qopt' {namesake.version} is another project that uses the same package "
        "name: pip uninstall qopt, then pip install --force-reinstall qopt-toolkit"
    )


@lru_cache(maxsize=1)
def _all() -> dict[tuple[str, str], Spec]:
    _refuse_namesake()
    groups = []
    for entry in entry_points(group=GROUP):
        owner = entry.dist.name if entry.dist is not None else "unknown distribution"
        origin = f"{owner} ({entry.value})"
        try:
            groups.append((origin, tuple(entry.load())))
        except Exception as fault:  # whatever a third party's module raises
            text = f"{type(fault).__name__}: {fault}".splitlines()[0]
            warn(f"plug-in {origin} does not load: {text}", PluginWarning, stacklevel=2)
    return gather(groups)


def available(kind: Kind) -> list[Spec]:
    """Every published spec of a kind, sorted by name, whether or not its packages are there."""
    return sorted((s for s in _all().values() if s.kind == kind), key=lambda s: s.name)


def find(kind: Kind, name: str) -> Spec:
    """The spec of that kind and name.

    Raises
    ------
    UnknownNameError
        With the nearest names.
    """
    try:
        return _all()[kind, name]
    except KeyError:
        raise UnknownNameError(kind, name, (s.name for s in available(kind))) from None
