"""Choosing solvers by measured features of the model, and saying why."""

from .solver import Auto

__all__ = ["Auto"]
