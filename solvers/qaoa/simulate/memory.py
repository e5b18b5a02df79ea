"""What memory this machine can give to amplitudes."""

from pathlib import Path

MOST_QUBITS = 26
"""Largest register taken, whatever the memory: beyond it a single layer takes minutes."""


def free_memory() -> float:
    """Bytes that this machine can still give; infinite where the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return float(line.split()[1]) * 1024.0
    except OSError:
        pass
    return float("inf")
