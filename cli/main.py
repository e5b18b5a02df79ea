"""The ``qopt`` command: its group, and how errors become exit codes."""

import json
import os
import sys
import warnings
from collections.abc import Sequence
from typing import TextIO

import click

from qopt import __version__
from qopt.errors import EXIT_INTERRUPTED, PluginWarning, QoptError

from .catalogue import instances, problems, solvers
from .compare import compare
from .convert import convert
from .devices import devices
from .estimate import estimate
from .mitigation import mitigation
from .portfolio import portfolio
from .qubits import qubits
from .runs import runs
from .solve import solve
from .why import why

EPILOG = """Exit codes: 0 a feasible answer, or the work is done; 1 other faults; 2 wrong usage;
3 a wrong instance; 4 a model too large; 5 no way from this problem to what was asked;
6 a missing package; 7 a solver broke; 8 a run store that cannot be used; 9 a seller of devices
refused or is out of reach; 10 no feasible answer found; 11 proven infeasible; 12 credentials are
missing or refused; 13 a limit of shots or money would be exceeded; 130 interrupted."""


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qopt")
def group() -> None:
    """Solve combinatorial optimisation instances, classically and with QAOA, and compare honestly.

    FILE is a data file (TSPLIB, CVRPLIB, G-set, OR-Library, LP, ...), a TOML instance file, or the
    name of a bundled instance (see: qopt instances).
    """


for command in (
    solve, compare, estimate, why, convert, qubits, devices, mitigation, portfolio, problems,
    solvers, instances, runs,
):
    group.add_command(command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(run(given))


def run(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code; faults become one line on stderr."""
    as_json = "--json" in arguments
    warnings.showwarning = _show_warning
    try:
        code = group.main(list(arguments), prog_name="qopt", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except click.exceptions.NoArgsIsHelpError as fault:
        fault.show()
        return fault.exit_code
    except click.ClickException as fault:
        return _tell(fault, _usage(fault), fault.exit_code, as_json)
    except QoptError as fault:
        if os.environ.get("QOPT_TRACEBACK") and fault.__cause__ is not None:
            raise
        return _tell(fault, str(fault), fault.exit_code, as_json)
    except (KeyboardInterrupt, click.Abort):
        click.echo("qopt: interrupted", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`qopt ... | head`); nothing is left to say to it.
        sys.stderr.close()
        return 0
    except OSError as fault:
        where = f"{fault.filename}: " if fault.filename else ""
        return _tell(fault, f"{where}{fault.strerror or fault}", 1, as_json)
    except Exception as fault:  # a fault of ours or of a plug-in: one line, the rest on request
        if os.environ.get("QOPT_TRACEBACK"):
            raise
        text = f"{type(fault).__name__}: {fault}".splitlines()[0]
        message = f"internal fault: {text} (QOPT_TRACEBACK=1 shows where)"
        return _tell(fault, message, 1, as_json)


def _show_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int,
    file: TextIO | None = None, line: str | None = None,
) -> None:
    """A plug-in that does not load is told; what libraries warn of is not for the user."""
    if issubclass(category, PluginWarning):
        click.echo(f"qopt: warning: {message}", err=True)


def _usage(fault: click.ClickException) -> str:
    """What click has to say, on one line, with where to read more."""
    message = " ".join(fault.format_message().split())
    context = fault.ctx if isinstance(fault, click.UsageError) else None
    return message if context is None else f"{message} (see {context.command_path} --help)"


def _tell(fault: Exception, message: str, code: int, as_json: bool) -> int:
    """Say a fault on standard error, and as JSON where that was asked for."""
    if as_json:
        error = {"type": type(fault).__name__, "message": message, "exit_code": code}
        click.echo(json.dumps({"error": error}))
    click.echo(f"qopt: error: {message}", err=True)
    return code


if __name__ == "__main__":
    main()
