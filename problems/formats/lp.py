"""LP files of integer programs."""

from pathlib import Path


def recognises(name: str, head: str) -> bool:
    """Whether the file is an LP file, by its ending."""
    return Path(name).suffix.lower() == ".lp"
