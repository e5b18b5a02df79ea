"""CBC as a child process, on a model file that PuLP writes, its log read as it comes."""

import os
import re
import signal
import subprocess
from contextlib import suppress
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

_DIGITS = 1e-5
"""Share of a number in CBC's log that its six digits may leave out."""

_BETTER = re.compile(r"Integer solution of (-?\d[\d.e+-]*) found")
_PROVEN = re.compile(r"best possible (-?\d[\d.e+-]*)")
"""What CBC writes of answers and of bounds."""

_SHARE = 0.95

_NONE = 1e49
"""Size from which a bound in the log says that there is none."""

_READ = 1e-7
"""What printing may change in a constraint: CBC's own tolerance."""

_FAR = 1e6
"""How far from 0 a variable without bounds is thought to be."""

_LARGEST_WHOLE_ROW = 2.0**28
"""Largest sum of sizes of a row of whole variables: from 2**31 on CBC cuts off optima."""

_PATIENCE = 5.0
_PATIENCE_FOR_NOTHING = 0.1
"""Seconds that CBC has to write what it found after it was asked to end, and where it found none.
"""


class Cbc:
    """A model and the command that runs CBC on it."""

    def __init__(self, model: PulpModel, limits: Limits) -> None:
        self._program = _executable()
        _check_digits(model)
        self._folder = TemporaryDirectory(prefix="qopt-cbc-")
        folder = Path(self._folder.name)
        self._file, self._answer, self._start = (
            folder / "model.mps", folder / "answer.txt", folder / "start.txt"
        )
        # Renaming numbers the columns: X0000000, X0000001, ...
        model.problem.writeMPS(str(self._file), rename=True)
        self._model = model
        self._limits = limits

    def start_from(self, values: NDArray[np.float64]) -> None:
        """Begin with an answer of the program, shape (n,)."""
        lines = [
            f"{place} X{place:07d} {value!r} 0"
            for place, value in enumerate(values[self._model.columns].tolist())
        ]
        self._start.write_text("\n".join(["Stopped on time - objective value 0", *lines, ""]))

    def run(self, seconds: float, watch: Watch) -> Found:
        """Search for at most `seconds`; objectives and bounds are told as CBC writes them."""
        with self._folder, _Reader(watch) as reader:
            process = subprocess.Popen(
                self._command(seconds),
                stdin=subprocess.DEVNULL,
                stdout=reader.end,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C at the terminal is ours to pass on
            )
            try:
                _wait(process, watch, seconds, reader)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            reader.look()
            return self._found(process.returncode, reader)

    def _command(self, seconds: float) -> list[str]:
        limits = self._limits
        command = [str(self._program), str(self._file), "-timeMode", "elapsed"]
        if self._start.exists():
            command += ["-mips", str(self._start)]
        if isfinite(seconds):
            # Reading the model and writing the answer are not in CBC's own account.
            command += ["-sec", f"{max(_SHARE * seconds, 0.01):.3f}"]
        if limits.nodes is not None:
            command += ["-maxNodes", str(min(limits.nodes, 2**31 - 1))]
        if limits.threads > 1:
            command += ["-threads", str(limits.threads)]
        command += ["-ratio", repr(limits.gap), "-randomCbcSeed", str(limits.seed % 2**31)]
        return [*command, "-solve", "-printingOptions", "all", "-solution", str(self._answer)]

    def _found(self, code: int, reader: "_Reader") -> Found:
        log = reader.log
        if not self._answer.exists():
            if code in (0, -signal.SIGKILL, -signal.SIGINT):
                return Found("limit", bound=reader.bound)
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


class _Reader:
    """Tells what CBC writes of answers and bounds, as it comes.

    Numbers have six digits there; they are told as the worst that they may stand for. CBC writes
    to what it takes for a terminal, for elsewhere it keeps its lines back until a block is full.

    Attributes
    ----------
    end : int
        File descriptor for CBC to write to.
    log : str
        All that was read.
    answers : bool
        Whether CBC has found any.
    bound : float or None
        The last bound.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch, self._rest, self.log = watch, b"", ""
        self.answers = False
        self.bound: float | None = None
        try:
            self._own, self.end = os.openpty()
        except OSError:  # no terminals here
            self._own, self.end = os.pipe()
        os.set_blocking(self._own, False)

    def __enter__(self) -> "_Reader":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._own)
        os.close(self.end)

    def look(self) -> None:
        """Read what was written since the last look, whole lines only."""
        parts = [self._rest]
        with suppress(OSError):  # nothing more for now
            while part := os.read(self._own, 1 << 16):
                parts.append(part)
        whole, _, self._rest = b"".join(parts).rpartition(b"\n")
        text = whole.decode(errors="replace").replace("\r", "")
        self.log += text + "\n" * bool(text)
        for line in text.splitlines():
            self.answers = self.answers or "olution found" in line
            if found := _BETTER.search(line):
                self.answers = True
                value = float(found[1])
                self._watch.objective(value + _DIGITS * abs(value))
            if (found := _PROVEN.search(line)) and abs(value := float(found[1])) < _NONE:
                self.bound = value - _DIGITS * abs(value)
                self._watch.bound(self.bound)


def _wait(
    process: "subprocess.Popen[Any]", watch: Watch, seconds: float, reader: _Reader
) -> None:
    """Wait for the end; pass on a stop, and end a process that outlives its limit."""
    kill_at = monotonic() + seconds * 1.05 + _PATIENCE if isfinite(seconds) else inf
    asked = False
    while monotonic() < kill_at:
        try:
            process.wait(0.02)
        except subprocess.TimeoutExpired:
            reader.look()
            if watch.stopping and not asked:
                asked = True
                process.send_signal(signal.SIGINT)
                patience = _PATIENCE if reader.answers else _PATIENCE_FOR_NOTHING
                kill_at = min(kill_at, monotonic() + patience)
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
