"""CBC as a child process, on a model file that PuLP writes."""

import re
import signal
import subprocess
from math import inf, isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qopt.errors import MissingPackageError, SolverError, UnsupportedError

from .milp_model import Found, Limits, PulpModel, State, Watch

_PRINTED = 0.0005
"""CBC prints bounds with three decimals: what rounding can have added."""

_SHARE = 0.95

_READ = 1e-7
"""What printing may change in a constraint: CBC's own tolerance."""

_FAR = 1e6
"""How far from 0 a variable without bounds is thought to be."""

_LARGEST_WHOLE_ROW = 2.0**28
"""Largest sum of sizes of a row of whole variables: from 2**31 on CBC cuts off optima."""

_PATIENCE = 5.0
"""Seconds that CBC has to write what it found after it was asked to end."""


class Cbc:
    """A model and the command that runs CBC on it."""

    def __init__(self, model: PulpModel, limits: Limits) -> None:
        self._program = _executable()
        _check_digits(model)
        self._folder = TemporaryDirectory(prefix="qopt-cbc-")
        folder = Path(self._folder.name)
        self._file, self._answer, self._log = (
            folder / "model.mps", folder / "answer.txt", folder / "log.txt"
        )
        # Renaming numbers the columns: X0000000, X0000001, ...
        model.problem.writeMPS(str(self._file), rename=True)
        self._model = model
        self._limits = limits

    def run(self, seconds: float, watch: Watch) -> Found:
        """Search for at most `seconds`; CBC tells nothing before its end."""
        with self._folder, self._log.open("w") as log:
            process = subprocess.Popen(
                self._command(seconds),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the terminal is ours to pass on
            )
            try:
                _wait(process, watch, seconds)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            return self._found(process.returncode)

    def _command(self, seconds: float) -> list[str]:
        limits = self._limits
        command = [str(self._program), str(self._file), "-timeMode", "elapsed"]
        if isfinite(seconds):
            # Reading the model and writing the answer are not in CBC's own account.
            command += ["-sec", f"{max(_SHARE * seconds, 0.01):.3f}"]
        if limits.nodes is not None:
            command += ["-maxNodes", str(min(limits.nodes, 2**31 - 1))]
        if limits.threads > 1:
            command += ["-threads", str(limits.threads)]
        command += ["-ratio", repr(limits.gap), "-randomCbcSeed", str(limits.seed % 2**31)]
        return [*command, "-solve", "-printingOptions", "all", "-solution", str(self._answer)]

    def _found(self, code: int) -> Found:
        log = self._log.read_text(errors="replace")
        if not self._answer.exists():
            if code in (0, -signal.SIGKILL, -signal.SIGINT):
                return Found("limit")
            raise SolverError(f"CBC ended with code {code}: {log.strip().splitlines()[-1:]}")
        headline, *lines = self._answer.read_text().splitlines()
        state, has_values = _state(headline)
        bound = _last_number(r"^Lower bound:\s+(\S+)", log)
        if bound is not None:
            bound -= _PRINTED + 1e-9 * abs(bound)
        values = self._values(lines) if has_values else None
        if state == "optimal":
            bound = _last_number(r"objective value\s+(\S+)", headline)
        nodes = _last_number(r"^Enumerated nodes:\s+(\d+)", log)
        return Found(state, values, bound, int(nodes or 0))

    def _values(self, lines: list[str]) -> NDArray[np.float64]:
        values = np.zeros(len(self._model.columns))
        for line in lines:
            # "index name value reduced-cost", with "**" in front where a bound is broken.
            words = line.removeprefix("**").split()
            if len(words) >= 3 and words[1].startswith("X"):
                values[int(words[1][1:])] = float(words[2])
        return self._model.values(values)


def _executable() -> Path:
    """The CBC that PuLP carries, or else one on the path."""
    from pulp.apis import coin_api

    bundled = getattr(coin_api, "pulp_cbc_path", None)
    if bundled and Path(bundled).is_file():
        return Path(bundled)
    import shutil

    found = shutil.which("cbc")
    if found is None:
        raise MissingPackageError("solver 'milp' with backend 'cbc'", ["pulp[cbc]"])
    return Path(found)


def _check_digits(model: PulpModel) -> None:
    """Refuse a model that changes when PuLP prints its numbers for CBC, or that is too large.

    Raises
    ------
    UnsupportedError
        With the constraint.
    """

    def lost(value: float) -> float:
        return abs(value - float(f"{value:.12e}"))

    for name, item in model.problem.constraints.items():
        error, size, whole = lost(item.constant), 0.0, True
        for variable, coefficient in item.items():
            ends = [abs(end) for end in (variable.lowBound, variable.upBound) if end is not None]
            error += lost(coefficient) * (max(ends) if len(ends) == 2 else _FAR)
            size += abs(coefficient) * (max(ends) if len(ends) == 2 else 1.0)
            whole = whole and variable.cat == "Integer"
        if error > _READ:
            raise UnsupportedError(
                f"CBC reads 13 digits of a number, and constraint {name} needs more; take "
                "backend=highs"
            )
        if whole and max(size, abs(item.constant)) > _LARGEST_WHOLE_ROW:
            raise UnsupportedError(
                f"constraint {name} sums to {size:g}; above 2**28 = {_LARGEST_WHOLE_ROW:.0f} CBC "
                "calls wrong answers optimal; take backend=highs"
            )


def _wait(process: "subprocess.Popen[Any]", watch: Watch, seconds: float) -> None:
    """Wait for the end; pass on a stop, and end a process that outlives its limit."""
    kill_at = monotonic() + seconds * 1.05 + _PATIENCE if isfinite(seconds) else inf
    asked = False
    while monotonic() < kill_at:
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            if watch.stopping and not asked:
                asked = True
                process.send_signal(signal.SIGINT)
                kill_at = min(kill_at, monotonic() + _PATIENCE)
        else:
            return


def _state(headline: str) -> tuple[State, bool]:
    """What the first line of CBC's answer says, and whether values of an answer follow."""
    if headline.startswith("Optimal"):
        return "optimal", True
    if headline.startswith(("Infeasible", "Integer infeasible")):
        # CBC's preprocessing says the same of unbounded problems.
        return "unbounded", False
    if headline.startswith("Unbounded"):
        return "unbounded", False
    if headline.startswith("Stopped"):
        return "limit", "no integer solution" not in headline
    raise SolverError(f"CBC ended with status {headline!r}")


def _last_number(pattern: str, text: str) -> float | None:
    found = re.findall(pattern, text, flags=re.MULTILINE)
    return float(found[-1]) if found else None
