"""How much memory solvers take: the peak of a process of its own, above what the model takes."""

import ctypes
import gc
import multiprocessing
import resource
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks._contenders import OURS, contenders, prepare
from benchmarks._instances import SHAPES, random_qubo
from benchmarks._runs import Contender
from benchmarks._table import Column, Table
from qopt.forms import Qubo

_MEASURED = (*OURS, "dwave-sa, filled", "dwave-tabu")
_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")


def measure(
    able: Sequence[Contender], shapes: Sequence[str], seconds: float, seed: int
) -> Table:
    """Peak of each solver on each shape, in a fresh process."""
    table = Table(
        "Memory: peak of a process, MiB",
        [
            Column("instance", width=20), Column("solver", width=23), Column("model", ".0f"),
            Column("above", ".0f"), Column("peak", ".0f"), Column("bytes a pair", ".0f"),
        ],
        notes=[
            f"seed {seed}, one thread, {seconds:g} s",
            "model: its arrays; above: over what the process held with the model, the library "
            "loaded and run once; bytes a pair: that by the pairs of the model",
        ],
    ).begin()
    for shape in shapes:
        for contender in able:
            if contender.name in _MEASURED:
                table.add(shape, contender.name, *_in_a_process(
                    contender.name, shape, seconds, seed))
    return table


def _in_a_process(
    name: str, shape: str, seconds: float, seed: int
) -> tuple[float | str, float | None, float | None, float | None]:
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, name, shape, seconds, seed).result()


def _measure(
    name: str, shape: str, seconds: float, seed: int
) -> tuple[float | str, float | None, float | None, float | None]:
    """Run one solver; in a process of its own."""
    contender = next(one for one in contenders([name])[0] if one.name == name)
    for n in (50, 400):  # one of each layout of the kernels
        _run(contender, random_qubo(n, 1.0, seed), 0.1, seed)
    qubo = SHAPES[shape](seed)
    arrays = sum(part.nbytes for part in (qubo.linear, qubo.row, qubo.col, qubo.value))
    before = _reset()
    told = _run(contender, qubo, seconds, seed)
    if told:
        return told, None, None, None
    peak = _peak()
    above = peak - before
    return arrays / 2**20, above / 2**20, peak / 2**20, above / max(1, qubo.num_interactions)


def _run(contender: Contender, qubo: Qubo, seconds: float, seed: int) -> str:
    """Run it; why it cannot be run, in words."""
    runner = prepare(contender, qubo, seconds, 1)
    if isinstance(runner, str):
        return runner
    runner(seed)
    return ""


def _reset() -> int:
    """Begin a new peak, where the system can; the bytes held now."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:  # what was freed while the model was made is no part of it
        trim(0)
    try:
        _RESET.write_text("5")
        return _status("VmRSS")
    except OSError:
        return _peak()


def _peak() -> int:
    """Most bytes held since the reset."""
    if _STATUS.exists():
        return _status("VmHWM")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _status(name: str) -> int:
    for line in _STATUS.read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"{_STATUS} has no {name}")
