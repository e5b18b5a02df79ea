"""Measured claims, by name: ``python -m benchmarks [NAME [ARGUMENT ...]]``.

A benchmark is a module here whose docstring's first line says what it measures, with a function::

    def main(arguments: Sequence[str] = ()) -> list[Table]:
        table = Table("title", [Column("instance", width=20), Column("ratio", ".2f")],
                      notes=["seed 2026, one thread"]).begin()
        table.add("G22", 1.93)
        return [table]

`Table.begin` and `Table.add` (`benchmarks._table`) print as the measuring goes on; the same tables
are stored as JSON by ``--save`` (under a further name by ``--save=LABEL``), and
``python -m benchmarks --docs`` writes ``docs/benchmarks.md`` from all that is stored. So a printed
figure and a documented one are the same figure. `Failure` says that a result is wrong.

Timings stand side by side in one run, and what counts is their ratio: seconds differ from machine
to machine.
"""
