"""The commands that repeat a comparison."""

import shlex
from pathlib import Path
from typing import Any

from ..comparison import InstanceComparison
from ..record import Record, canonical_json, jsonable


def commands(instance: InstanceComparison) -> list[str]:
    """Commands that repeat the runs on one instance, one for every budget.

    Seeds other than 0 to N-1 are said in a comment, and so is an instance that was made in Python
    and has no file.
    """
    groups: dict[str, list[Record]] = {}
    for record in instance.records:
        groups.setdefault(canonical_json(jsonable(record.budget)), []).append(record)
    return [_command(instance, records) for records in groups.values()]


def _command(instance: InstanceComparison, records: list[Record]) -> str:
    facts, budget = instance.facts, records[0].budget
    seeds = sorted({record.seed for record in records})
    options = [("--kind", facts.kind)]
    tables = [name for name, value in facts.settings.items() if _is_tables(value)]
    options += [
        ("--set", f"{name}={_text(value)}")
        for name, value in facts.settings.items() if name not in tables
    ]
    options += [("--solver", text) for text in dict.fromkeys(map(_solver, records))]
    options.append(("--seeds", str(len(seeds))))
    for option, name in (("--time-limit", "time_limit"), ("--evaluations", "evaluations")):
        if budget.get(name) is not None:
            options.append((option, _text(budget[name])))
    options.append(("--threads", str(budget.get("threads") or 1)))
    head = f"qopt compare {shlex.quote(facts.path or f'{facts.name}.toml')}"
    lines = [" \\\n    ".join([head, *(f"{o} {shlex.quote(text)}" for o, text in options)])]
    if seeds != list(range(len(seeds))):
        lines.insert(0, f"# the runs had the seeds {' '.join(map(str, seeds))}")
    if tables and Path(facts.path).suffix not in ("", ".toml"):
        lines.insert(0, f"# {', '.join(tables)}: given as tables, which an instance file holds")
    if not facts.path:
        lines.insert(0, f"# made in Python; the hash of its data is {facts.sha256}")
    return "\n".join(lines)


def _is_tables(value: Any) -> bool:
    """Whether a setting is a list of tables: no command line says it, an instance file does."""
    return isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value)


def _solver(record: Record) -> str:
    """Solver with its options, exactly: `Record.label` rounds."""
    options = ",".join(f"{name}={_text(value)}" for name, value in sorted(record.options.items()))
    return f"{record.solver}:{options}" if options else record.solver


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ";".join(map(_text, value))
    if isinstance(value, dict):
        return ";".join(f"{name}={_text(item)}" for name, item in value.items())
    return repr(value) if isinstance(value, float) else str(value)
