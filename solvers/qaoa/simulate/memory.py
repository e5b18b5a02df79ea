"""What memory this machine can give to amplitudes."""

from pathlib import Path

MOST_QUBITS = 26
"""Largest register taken, whatever the memory: beyond it a single layer takes minutes."""

_MOST_GIB = 2.0**20
"""Memory beyond which its size means nothing to anybody."""


def free_memory() -> float:
    """Bytes that this machine can still give; infinite where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024.0
    except OSError:
        pass
    return float("inf")


def memory_text(count: int, bytes_: float) -> str:
    """The memory of so many amplitudes of so many bytes, for a message."""
    if count > _MOST_GIB * 2**30 / bytes_:
        return "more memory than any machine has"
    need = count * bytes_ / 2**30
    return f"{need:.3g} GiB" if need < 999.5 else f"{need:.0f} GiB"
