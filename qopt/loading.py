"""Reading an instance: a data file with settings, or a small TOML file that names both.

A TOML instance file holds the settings as flat keys, beside three of its own::

    kind = "portfolio"
    data = "sp500-20.csv"          # relative to the TOML file
    select = 5
    risk = 0.9

    [reference]                    # optional: what is known of it
    value = -0.0012
    source = "proven by enumeration"
    proven = true
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any

from . import registry
from .errors import InputError, ParseError, QoptError, UsageError
from .forms import Program, Qubo, Routing
from .options import check_options
from .problem import Problem, Reference, fingerprint

INSTANCES = "qopt.instances"
"""The package that holds the bundled instances."""

LARGEST = 512 * 2**20
"""Bytes of the largest instance file that is read."""


@dataclass(frozen=True)
class Bundled:
    """An instance that comes with qopt.

    Parameters
    ----------
    name : str
        What ``qopt solve NAME`` takes.
    path : str
        Where the file is.
    kind, title : str
        The problem, and what the instance is, in a line.
    source : str
        Where the data come from.
    convention : str
        Rounding or units under which the value holds.
    best_known : float, optional
    proven : bool
        Whether the best known value is proven optimal.
    """

    name: str
    path: str
    kind: str
    title: str
    source: str = ""
    convention: str = ""
    best_known: float | None = None
    proven: bool = False

    @property
    def reference(self) -> Reference | None:
        """The best known value with its source."""
        if self.best_known is None:
            return None
        return Reference(self.best_known, self.source, self.proven, self.convention)

    def to_json(self) -> dict[str, Any]:
        """The entry as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Origin:
    """Where an instance came from, so that a record can name it."""

    path: str = ""
    kind: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def load(path: str | Path, *, kind: str | None = None, **settings: Any) -> Problem:
    """Read an instance.

    Parameters
    ----------
    path : path-like
        A data file of any format that a problem reads, a TOML instance file, or the name of a
        bundled instance.
    kind : str, optional
        The problem, where the format leaves it open (a graph) or to overrule it.
    **settings
        Settings of the problem: ``select=10, risk=0.9``. They overrule those of a TOML file. Text
        is parsed.

    Returns
    -------
    Problem

    Raises
    ------
    InputError
        Where the file is missing, unreadable or wrong; a `ParseError` names the line.
    UsageError
        For an unknown kind or setting, or a format that leaves the kind open.
    """
    if not isinstance(path, str | Path):
        raise UsageError(
            f"load reads files, not {type(path).__name__}; make the problem by its own class "
            "(MaxCut.from_networkx(graph)), or solve a Qubo, Program or Routing as it is"
        )
    file, entry = _locate(path)
    _check_file(file)
    reference = name = None
    head: dict[str, Any] = {}
    given = settings
    if file.suffix == ".toml":
        head = _read_toml(file)
        kind = kind or _line(file, head, "kind")
        name = _line(file, head, "name") or file.stem
        reference = _reference(file, head.pop("reference", None))
        data = _line(file, head, "data")
        if data is None:
            raise ParseError(file, 'an instance file needs data = "FILE", the data file beside it')
        head = {key: value for key, value in head.items() if key not in ("kind", "name", "data")}
        settings = {**head, **settings}
        data_file = file.parent / data
        if not data_file.is_file():
            raise ParseError(file, f"data = {data!r}: there is no file {data_file}")
        _check_file(data_file)
    else:
        data_file = file
    spec = registry.find("problem", kind) if kind else _recognise(data_file)
    problem_class = spec.load()
    checked = check_options(problem_class.load, settings, f"problem {spec.name!r}")
    problem: Any = problem_class.load(data_file, **checked)
    if reference is not None and given and not _is_as_written(spec, data_file, head, problem):
        reference = None  # it is known of the instance as the file writes it, and of no other
    reference = reference or problem.reference or known_value(problem)
    if reference is None and entry is not None and not settings:
        reference = entry.reference
    problem = replace(problem, name=name or problem.name, reference=reference)
    object.__setattr__(problem, "_origin", Origin(str(path), spec.name, dict(settings)))
    return problem  # type: ignore[no-any-return]  # what a plug-in's class returns is not typed


def _is_as_written(
    spec: registry.Spec, data_file: Path, written: Mapping[str, Any], problem: Problem
) -> bool:
    """Whether an instance file that is read with more settings is still the same instance."""
    problem_class = spec.load()
    try:
        checked = check_options(problem_class.load, written, f"problem {spec.name!r}")
        return fingerprint(problem_class.load(data_file, **checked)) == fingerprint(problem)
    except QoptError:  # what is written is not whole without the settings
        return False


def bundled() -> list[Bundled]:
    """The instances that come with qopt, folder by folder, in the order of each one's index."""
    entries = []
    for folder in sorted(files(INSTANCES).iterdir(), key=lambda item: item.name):
        index = folder.joinpath("index.toml")
        if not index.is_file():
            continue
        for row in tomllib.loads(index.read_text(encoding="utf-8"))["instance"]:
            file = Path(str(folder.joinpath(Path(row.pop("file")).name)))
            entries.append(Bundled(name=file.stem, path=str(file), **row))
    return entries


@lru_cache(maxsize=1)
def _known_values() -> dict[str, Reference]:
    text = files(INSTANCES).joinpath("known.toml").read_text(encoding="utf-8")
    return {
        sha256: Reference(row["value"], row["source"], row["proven"], row["convention"])
        for sha256, row in tomllib.loads(text).items()
    }


def known_value(problem: Problem) -> Reference | None:
    """The best value on record for a public instance, found by the hash of its data.

    A file under another name is recognised, and one with the same name and other data, or loaded
    under another rounding convention, is not mistaken for it.
    """
    return _known_values().get(fingerprint(problem))


def origin_of(problem: Problem) -> Origin | None:
    """Where `load` read a problem from; None for one made in Python."""
    return getattr(problem, "_origin", None)


_FOREIGN: dict[tuple[str, str], Callable[[Any], Qubo | Program]] = {
    ("dimod", "BinaryQuadraticModel"): Qubo.from_dimod,
    ("dimod", "ConstrainedQuadraticModel"): Program.from_dimod,
    ("qiskit_optimization", "QuadraticProgram"): Program.from_qiskit,
    ("pulp", "LpProblem"): Program.from_pulp,
}
"""Models of other libraries, by package and class, and what makes them ours."""

_HINTS = {
    ("docplex", "Model"): "Program.from_qiskit(qiskit_optimization.translators.from_docplex_mp("
    "model)) reads it",
    ("networkx", "Graph"): "MaxCut.from_networkx(graph) and its like make problems of it",
    ("numpy", "ndarray"): "Qubo.from_matrix(matrix) makes a model of it",
}


def as_problem(item: Any) -> Problem:
    """A problem as it is, or a bare model as the problem of solving it.

    Models are `Qubo`, `Program` and `Routing`, a dimod `BinaryQuadraticModel` or
    `ConstrainedQuadraticModel`, a qiskit-optimization `QuadraticProgram` and a PuLP `LpProblem`.
    """
    kinds = [(base.__module__.partition(".")[0], base.__name__) for base in type(item).__mro__]
    for kind in kinds:
        if kind in _FOREIGN:
            item = _FOREIGN[kind](item)
            break
    if isinstance(item, Qubo):
        made = registry.find("problem", "qubo").load()(name="qubo", qubo=item)
    elif isinstance(item, Program):
        made = registry.find("problem", "program").load()(name="program", program=item)
    elif isinstance(item, Routing):
        made = registry.find("problem", "vrp").load()(name="routing", routing=item)
    elif isinstance(item, Problem):
        return item
    else:
        hint = next((_HINTS[kind] for kind in kinds if kind in _HINTS), "")
        raise UsageError(
            f"a problem, Qubo, Program or Routing was expected, got {type(item).__name__}; "
            f"{hint or 'read a file with qopt.load(path)'}"
        )
    return made  # type: ignore[no-any-return]  # as above


def _locate(path: str | Path) -> tuple[Path, Bundled | None]:
    """The file at `path`, or else the bundled instance of that name."""
    file = Path(path)
    if not file.exists() and file.name == str(path):
        entries = {entry.name: entry for entry in bundled()}
        if file.name in entries:
            return Path(entries[file.name].path), entries[file.name]
        near = get_close_matches(file.name, entries, n=3)
        if near:
            raise InputError(
                f"there is no file {file}; of the bundled instances, did you mean "
                f"{' or '.join(map(repr, near))}?"
            )
    return file, None


def _check_file(file: Path) -> None:
    if file.is_dir():
        raise InputError(f"{file} is a folder, an instance file was expected")
    if not file.is_file():
        raise InputError(f"there is no file {file} (bundled instances: qopt instances)")
    size = file.stat().st_size
    if size == 0:
        raise ParseError(file, "the file is empty")
    if size > LARGEST:
        raise InputError(f"{file} has {size} bytes, at most {LARGEST} are read")


def _recognise(file: Path) -> registry.Spec:
    """The one problem whose formats the file fits."""
    with file.open("rb") as stream:
        head = stream.read(4096).decode(errors="replace")
    specs = registry.available("problem")
    fits = [s for s in specs if s.recognises is not None and s.recognises(file.name, head)]
    if len(fits) == 1:
        return fits[0]
    if fits:
        names = " or ".join(s.name for s in fits)
        raise UsageError(f"{file} could be {names}: say which with --kind (kind= in Python)")
    ending = file.suffix.removeprefix(".").lower()
    near = [s.name for s in specs if ending and ending in re.findall(r"\w+", s.formats.lower())]
    hint = "" if not near else (
        f"; of files that end so, {' and '.join(near)} read some: --kind {near[0]} tells what is "
        "wrong with it"
    )
    if "qubo" in near and not re.search(r"[^\W\d_]{2}", head):
        hint = "; --kind qubo reads a square matrix of numbers without a heading"
    raise InputError(
        f"{file} has no known format{hint}; kinds are {', '.join(s.name for s in specs)}: "
        "--kind names one (kind= in Python), and qopt problems tells the files of each"
    )


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise ParseError(file, f"not a TOML file: {fault}") from fault


def _line(file: Path, table: Mapping[str, Any], name: str) -> str | None:
    """The entry of that name: a line of text, or None where there is no such entry."""
    value = table.get(name)
    if value is not None and not (isinstance(value, str) and value and value.isprintable()):
        raise ParseError(file, f'{name} must be a line of text, {name} = "...", got {value!r}')
    return value


def _is_finite(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and type(value) is not bool and isfinite(value)
    except OverflowError:  # a whole number above every double
        return False


def _reference(file: Path, table: Any) -> Reference | None:
    if table is None:
        return None
    if not isinstance(table, Mapping) or not _is_finite(table.get("value")):
        raise ParseError(file, "[reference] needs a finite number: value = 3323")
    unknown = set(table) - {"value", "source", "proven", "convention"}
    if unknown:
        raise ParseError(
            file, f"[reference] has {sorted(unknown)[0]!r}; it takes value, source, proven, "
            "convention"
        )
    if not isinstance(table.get("proven", False), bool):
        raise ParseError(
            file, f"[reference] proven must be true or false, got {table['proven']!r}"
        )
    return Reference(
        value=float(table["value"]),
        source=_line(file, table, "source") or "",
        proven=table.get("proven", False),
        convention=_line(file, table, "convention") or "",
    )
