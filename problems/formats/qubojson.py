"""QUBO and Ising models as JSON, dimod's included, and the binary files of dimod and numpy."""

import re
from pathlib import Path

_KEYS = re.compile(
    r'"format"\s*:\s*"qopt-(qubo|ising)"|"(linear|h)"\s*:\s*\['
    r'|"type"\s*:\s*"BinaryQuadraticModel"|"bqm_schema"|"bias_type"\s*:'
)


def recognises(name: str, head: str) -> bool:
    """Whether the file is one of these, by its ending and, for JSON, its first keys."""
    ending = Path(name).suffix.lower()
    if ending == ".json":
        return _KEYS.search(head) is not None
    return ending in (".bqm", ".npz", ".npy") or head.startswith("DIMODBQM")
