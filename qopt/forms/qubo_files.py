"""Files of quadratic binary models: JSON, dimod's ``.bqm``, BiqMac's ``.sparse``, ``.npz``."""

from pathlib import Path
from typing import Literal

from .qubo import Qubo

QuboFormat = Literal["json", "ising", "bqm", "sparse", "npz"]


def read_qubo(path: str | Path, *, format: QuboFormat | None = None) -> Qubo:
    """Read a QUBO file of any known format; the suffix or the content tells which.

    Raises
    ------
    ParseError
        Where the file is not what it should be.
    """
    raise NotImplementedError


def write_qubo(qubo: Qubo, path: str | Path, *, format: QuboFormat | None = None) -> None:
    """Write a QUBO file; the suffix tells the format unless it is named."""
    raise NotImplementedError


def dump_qubo(qubo: Qubo, format: QuboFormat) -> bytes:
    """The content of the file that `write_qubo` writes."""
    raise NotImplementedError


def qubo_to_json(qubo: Qubo) -> str:
    """The model as JSON text, labels and groups included."""
    raise NotImplementedError


def ising_to_json(qubo: Qubo) -> str:
    """The same model over spins as JSON text; groups become penalties."""
    raise NotImplementedError


def qubo_to_biqmac(qubo: Qubo) -> str:
    """The model as BiqMac ``.sparse`` text; groups become penalties."""
    raise NotImplementedError


def qubo_to_bqm(qubo: Qubo) -> bytes:
    """The model as dimod's ``.bqm`` file; groups become penalties."""
    raise NotImplementedError
