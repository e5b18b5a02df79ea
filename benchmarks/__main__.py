"""Runs the benchmarks: all of them quickly, or one with its own arguments."""

import pkgutil
import sys
import time
from collections.abc import Sequence
from importlib import import_module

import benchmarks
from qopt.record import environment


def names() -> list[str]:
    """Every benchmark."""
    found = (module.name for module in pkgutil.iter_modules(benchmarks.__path__))
    return sorted(name for name in found if not name.startswith("_"))


def main(arguments: Sequence[str]) -> int:
    """Run what `arguments` name; the exit code."""
    if arguments and arguments[0] in ("-l", "--list"):
        for name in names():
            summary = (import_module(f"benchmarks.{name}").__doc__ or "").partition("\n")[0]
            print(f"{name:14} {summary}")
        return 0
    chosen = [arguments[0]] if arguments else names()
    if chosen[0] not in names():
        print(f"no benchmark {chosen[0]!r}: choose from {', '.join(names())}", file=sys.stderr)
        return 2
    machine = environment()
    packages = ", ".join(f"{name} {version}" for name, version in machine["packages"].items())
    print(f"{machine['processor']}, {machine['cores']} cores, Python {machine['python']}")
    print(f"git {machine['git'] or 'unknown'}; {packages}")
    for name in chosen:
        print(f"\n== {name}")
        begin = time.perf_counter()
        import_module(f"benchmarks.{name}").main(list(arguments[1:]))
        print(f"({time.perf_counter() - begin:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
