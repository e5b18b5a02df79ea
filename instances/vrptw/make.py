"""Write the bundled VRPTW in the layout of Solomon: ``python instances/vrptw/make.py``."""

from pathlib import Path

import numpy as np

from qopt.problems.formats.solomon import Customer, SolomonFile, write_solomon


def random_instance(name: str, clients: int, vehicles: int, capacity: float, seed: int) -> str:
    """Clients in a square of 60, each with a window that a vehicle can reach and return from."""
    rng = np.random.default_rng(seed)
    depot = Customer(30.0, 30.0, 0.0, 0.0, 240.0, 0.0)
    customers = [depot]
    for _ in range(clients):
        x, y = (float(v) for v in rng.integers(0, 61, 2))
        away = float(np.ceil(np.hypot(x - depot.x, y - depot.y)))
        early = float(rng.integers(away, 150))
        late = min(early + float(rng.integers(20, 70)), depot.late - away - 10.0)
        customers.append(Customer(x, y, float(rng.integers(5, 21)), early, late, 10.0))
    return write_solomon(SolomonFile(name, vehicles, capacity, tuple(customers)))


if __name__ == "__main__":
    folder = Path(__file__).parent
    text = random_instance("windows-12", 12, 5, 60.0, seed=12)
    (folder / "windows-12.txt").write_text(text, encoding="utf-8")
