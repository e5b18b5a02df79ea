"""The error tree. Every class carries the exit code that the command line ends with.

::

    QoptError                      1
    ├── UsageError                 2   a wrong name, option or combination of options
    │   └── UnknownNameError       2   with the nearest names that exist
    ├── InputError                 3   an instance that cannot be used as it is
    │   ├── ParseError             3   with file and line
    │   └── InfeasibleError       11   its constraints are seen to leave no answer
    ├── SizeError                  4   a model larger than a solver or device takes
    ├── UnsupportedError           5   no way from this problem or model to what was asked
    │   └── LimitError            13   a run would take more shots or money than it may
    ├── MissingPackageError        6   with the line that installs it
    ├── SolverError                7   a solver broke, or answered nonsense
    ├── StoreError                 8   a run store that cannot be read or written
    └── VendorError                9   a seller of devices refused, failed or is out of reach
        └── CredentialsError      12   no credentials for it, or such as it does not take

Other exit codes: 0 a feasible answer (or the command did its work), 10 no feasible answer was
found, 11 the instance is proven infeasible, 130 interrupted before anything was found.

A message names the bad value, what is allowed, and how to mend it, on one line.
"""

from collections.abc import Iterable
from pathlib import Path

EXIT_NO_FEASIBLE_ANSWER = 10
EXIT_PROVEN_INFEASIBLE = 11
EXIT_INTERRUPTED = 130


class QoptError(Exception):
    """Anything that qopt refuses, said in one sentence."""

    exit_code = 1


class UsageError(QoptError):
    """A wrong option, value or combination of options."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that does not exist, with the nearest ones that do.

    Parameters
    ----------
    what : str
        What kind of thing was named: ``"solver"``, ``"option of solver 'sa'"``.
    name : str
        The name given.
    known : iterable of str
        The names that exist.
    """

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        self.name = name
        self.known = tuple(sorted(known))
        near = get_close_matches(name, self.known, n=3, cutoff=0.5)
        if near:
            hint = f"did you mean {' or '.join(map(repr, near))}?"
        elif self.known:
            hint = f"choose from {', '.join(self.known)}"
        else:
            hint = "there are none"
        super().__init__(f"unknown {what} {name!r}: {hint}")


class InputError(QoptError):
    """An instance or setting that is wrong in itself: NaN, demand above capacity, k above n."""

    exit_code = 3


class ParseError(InputError):
    """A file that cannot be read as what it should be.

    Parameters
    ----------
    path : path-like
        The file.
    message : str
        What is wrong and what was expected.
    line : int, optional
        One-based line number; left out where the fault has no line (an empty file).
    """

    def __init__(self, path: str | Path, message: str, line: int | None = None) -> None:
        self.path = Path(path)
        self.line = line
        where = f"{path}:{line}" if line is not None else f"{path}"
        super().__init__(f"{where}: {message}")


class InfeasibleError(InputError):
    """An instance whose constraints are seen to leave no feasible answer, before any search.

    Parameters
    ----------
    message : str
        The constraints and what they leave.
    model : object, optional
        The instance in a neutral form, for whoever explains what would mend it.
    """

    exit_code = EXIT_PROVEN_INFEASIBLE

    def __init__(self, message: str, model: object = None) -> None:
        self.model = model
        super().__init__(message)


class SizeError(QoptError):
    """A model that is too large, with its size, the limit, and what would fit.

    Parameters
    ----------
    what : str
        What is limited: ``"exact enumeration"``.
    size, limit : int
        Size of the model and the largest size taken, in `unit`.
    unit : str
        ``"variables"``, ``"qubits"``.
    remedy : str
        What would fit instead.
    whose : str
        Whose size it is.
    """

    exit_code = 4

    def __init__(
        self, what: str, size: int, limit: int, unit: str = "variables", remedy: str = "",
        whose: str = "the model",
    ) -> None:
        self.size = size
        self.limit = limit
        self.unit = unit
        tail = f"; {remedy}" if remedy else ""
        super().__init__(f"{what} takes at most {limit} {unit}, {whose} has {size}{tail}")

    def add_remedy(self, more: str) -> None:
        """Name a further remedy: whoever knows the instance knows more of them."""
        self.args = (f"{self}; {more}",)


class UnsupportedError(QoptError):
    """No way from this problem or model to the form, file or solver asked for."""

    exit_code = 5


class LimitError(UnsupportedError):
    """A run would take more shots or money than its limits allow, or nobody knows how much."""

    exit_code = 13


class MissingPackageError(QoptError):
    """An optional package is not installed.

    Parameters
    ----------
    what : str
        What needs it: ``"solver 'pyvrp'"``.
    packages : iterable of str
        Distribution names to install.
    install : str
        What pip is given to install them, where that is something else.
    """

    exit_code = 6

    def __init__(self, what: str, packages: Iterable[str], install: str = "") -> None:
        self.packages = tuple(packages)
        wanted = [install] if install else self.packages
        super().__init__(f"{what} needs {', '.join(self.packages)}: {pip_install(wanted)}")


def pip_install(wanted: Iterable[str]) -> str:
    """The line that installs packages, as a shell takes it."""
    from shlex import join

    return join(["pip", "install", *wanted])


class SolverError(QoptError):
    """A solver broke or returned something that is not an answer to its model."""

    exit_code = 7


class PluginWarning(UserWarning):
    """A plug-in that does not load: its problems and solvers are missing, all else works."""


class StoreError(QoptError):
    """A run store that cannot be opened, read or written."""

    exit_code = 8


class VendorError(QoptError):
    """A seller of quantum devices refused, failed, answered nonsense, or cannot be reached."""

    exit_code = 9


class CredentialsError(VendorError):
    """Credentials are missing, expired or refused. The message never holds them."""

    exit_code = 12


def check_type(item: object, wanted: type | tuple[type, ...], what: str) -> None:
    """Refuse an object of a wrong type.

    Raises
    ------
    UsageError
        Where `item` is not an instance of `wanted`; `what` says what is expected, with article.
    """
    if not isinstance(item, wanted):
        raise UsageError(f"{what} is expected, got {type(item).__name__}: {item!r:.60}")
