"""Decomposition of large QUBOs into subproblems for any solver of QUBOs."""

from .solver import Hybrid

__all__ = ["Hybrid"]
