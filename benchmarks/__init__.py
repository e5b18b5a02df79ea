"""Measured claims, by name: ``python -m benchmarks [NAME [ARGUMENT ...]]``.

Each module has a function ``main(arguments)`` that measures and prints. Timings stand side by side
in one run, and what counts is their ratio: seconds differ from machine to machine.
"""
