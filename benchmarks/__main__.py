"""Runs the benchmarks: all of them quickly, or one with its own arguments; writes their page."""

import pkgutil
import re
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import benchmarks
from benchmarks import _document as document
from benchmarks._table import Failure

USAGE = """usage: python -m benchmarks                             all benchmarks, quickly
       python -m benchmarks NAME [ARGUMENT ...]         one; --help tells its arguments
       python -m benchmarks NAME [ARGUMENT ...] --save  ... and store its result
                                                (--save=LABEL: beside others of that name)
       python -m benchmarks --docs                      write docs/benchmarks.md from what is stored
       python -m benchmarks --list"""

_LABEL = re.compile(r"[a-z0-9-]+")


def names() -> list[str]:
    """Every benchmark."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def summary(name: str) -> str:
    """What a benchmark measures, in a line."""
    return (import_module(f"benchmarks.{name}").__doc__ or "").partition("\n")[0]


def run(name: str, arguments: Sequence[str], machine: dict[str, Any], label: str | None) -> None:
    """Run one benchmark, and store its result where there is a label, if an empty one."""
    print(f"\n== {name}")
    date, begin = document.now(), time.perf_counter()
    tables = import_module(f"benchmarks.{name}").main(list(arguments))
    seconds = time.perf_counter() - begin
    print(f"({seconds:.0f} s)")
    if label is None:
        return
    if not tables:
        raise Failure(f"{name} {' '.join(arguments)} gave no table to store")
    result = document.Result(
        name, label, summary(name), document.command(name, arguments), date, round(seconds, 1),
        machine, tables,
    )
    print(f"stored in {result.save()}; python -m benchmarks --docs writes the page")


def main(arguments: Sequence[str]) -> int:
    """Run what `arguments` name; the exit code."""
    first = arguments[0] if arguments else ""
    if first in ("-h", "--help"):
        print(USAGE)
        return 0
    if first in ("-l", "--list"):
        for name in names():
            print(f"{name:18} {summary(name)}")
        return 0
    if first == "--docs":
        print(f"written: {document.write()}")
        return 0
    chosen = [first] if first else names()
    if chosen[0] not in names():
        print(f"no benchmark {first!r}: choose from {', '.join(names())}", file=sys.stderr)
        return 2
    saving = [a for a in arguments if a == "--save" or a.startswith("--save=")]
    label = saving[-1].partition("=")[2] if saving else None
    if label and not _LABEL.fullmatch(label):
        print(f"a label has small letters, digits and hyphens, got {label!r}", file=sys.stderr)
        return 2
    machine = document.machine()
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    print(f"{machine['processor']}, {machine['cores']} cores, load {machine['load']}, "
          f"Python {machine['python']}")
    print(f"git {machine['git'] or 'unknown'}; {packages}")
    failed = 0
    for name in chosen:
        try:
            run(name, [a for a in arguments[1:] if a not in saving], machine, label)
        except Failure as failure:
            print(f"{name} FAILED: {failure}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
