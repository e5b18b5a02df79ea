"""Error mitigation: each method by name, as circuits out and results in."""

from .choice import NAMES, NONE, Choice, ReadoutCalibration
from .execute import Plan, charge, execute, told
from .extrapolate import Extrapolation
from .folding import Folding
from .job import Estimate, Job, Result
from .mitigation import Mitigation

__all__ = [
    "NAMES", "NONE", "Choice", "Estimate", "Extrapolation", "Folding", "Job", "Mitigation", "Plan",
    "ReadoutCalibration", "Result", "charge", "execute", "told",
]
