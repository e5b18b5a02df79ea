"""Write ``known.toml``: best known values of public benchmark instances, by the hash of their data.

Run by hand where the public files are at hand::

    python instances/make_known.py FOLDER [FOLDER ...]

Only the hashes and the values are kept, never the files. A hash is of the instance's data as loaded
(`qopt.problem.fingerprint`), so that a value is never attached to another instance, or to the same
file under another rounding convention.
"""

import sys
from pathlib import Path
from typing import Any

import qopt
from qopt.problem import Problem, fingerprint

TSPLIB = "TSPLIB, optimal solutions of symmetric TSPs (Reinelt, 1995)"
CVRPLIB = "CVRPLIB, list of best known solutions"
QOBLIB = "QOBLIB, capacitated vehicle routing, optimal solutions"
# Benlic and Hao (2013), often named for these, have less for G55 (10294) and G70 (9541):
# https://leria-info.univ-angers.fr/~jinkao.hao/BLS_max_cut.html
GSET = "G-set; best known by AOCoptimizer.jl, data/GSet/reference.csv; original source not checked"
BIQMAC = "Biq Mac library (Wiegele, 2007)"
PALUBECKIS = "Palubeckis instances; Glover, Lu and Hao (2010)"

INTEGERS = "TSPLIB integer distances"
ROUNDED = "distances rounded to whole numbers"
TENTHS = "distances cut after one decimal"

# kind, source, convention, proven, {file stem: value}
TABLE: list[tuple[str, str, str, bool, dict[str, float]]] = [
    ("tsp", TSPLIB, INTEGERS, True, {
        "burma14": 3323, "ulysses16": 6859, "ulysses22": 7013, "gr17": 2085, "gr21": 2707,
        "gr24": 1272, "fri26": 937, "bays29": 2020, "att48": 10628, "berlin52": 7542, "eil51": 426,
        "st70": 675, "kroA100": 21282, "ch150": 6528, "a280": 2579, "rat783": 8806,
    }),
    ("cvrp", CVRPLIB, ROUNDED, True, {
        "E-n13-k4": 247, "P-n16-k8": 450, "E-n22-k4": 375, "A-n32-k5": 784, "F-n72-k4": 237,
        "X-n101-k25": 27591, "X-n106-k14": 26362,
    }),
    ("cvrp", CVRPLIB, ROUNDED, False, {"X-n1001-k43": 72355}),
    ("cvrp", QOBLIB, f"{ROUNDED}, 4 vehicles", True, {
        "XSH-n20-k4-01": 646, "XSH-n20-k4-02": 650, "XSH-n20-k4-03": 508,
    }),
    ("vrptw", CVRPLIB, TENTHS, True, {
        "C101": 827.3, "R101": 1637.7, "RC101": 1619.8, "C201": 589.1, "RC201": 1261.8,
    }),
    ("maxcut", GSET, "weight of the cut", False, {
        "G1": 11624, "G22": 13359, "G43": 6660, "G55": 10299, "G70": 9591,
    }),
    ("qubo", BIQMAC, "maximum of -x'Qx", False, {
        "bqp50-1": 2098, "bqp50-2": 3702, "bqp100-1": 7970, "bqp250-1": 45607, "bqp500-1": 116586,
        "gka1a": 3414, "gka1b": 133, "gka9b": 137, "gka1c": 5058, "gka1d": 6333, "gka1f": 61194,
    }),
    ("qubo", PALUBECKIS, "maximum of -x'Qx", False, {"palubeckis_p3000-1": 3931583}),
]

QOBLIB = "QOBLIB 06-portfolio (Koch et al., arXiv 2504.03832)"
# folder, {(budget, risk aversion): (value, proven)}
MULTIPERIOD: dict[str, dict[tuple[int, float], tuple[float, bool]]] = {
    "po_a010_t10_orig": {
        (4, 0.0): (-110541, True), (4, 1e-6): (-109847, True), (4, 1e-5): (-103821, True),
        (4, 5e-5): (-84980, False), (4, 1e-4): (-69482, False), (4, 5e-4): (-27044, False),
        (4, 1e-3): (-8397, False), (4, 1e-2): (-1000, False),
    },
}

VARIANTS: dict[str, list[tuple[dict[str, Any], float]]] = {
    # settings and the factor that turns the table's value into the instance's own sense
    "qubo": [({}, -1.0), ({"sense": "maximise"}, 1.0)],
}

HEAD = """# Best known values of public benchmark instances, by the SHA-256 of the instance's data
# (qopt.problem.fingerprint). Written by make_known.py; add a value there.
"""


def main(folders: list[Path]) -> None:
    """Look the files up in `folders` and write the table beside this script."""
    lines = [HEAD]
    for kind, source, convention, proven, values in TABLE:
        for stem, value in values.items():
            files = sorted(
                f for folder in folders for f in folder.rglob(f"{stem}.*")
                if f.suffix in (".tsp", ".vrp", ".txt", ".sparse", ".npz")
            )
            if not files:
                print(f"no file for {stem}", file=sys.stderr)
                continue
            for settings, factor in VARIANTS.get(kind, [({}, 1.0)]):
                problem = qopt.load(files[0], kind=kind, **settings)
                lines.append(_entry(problem, stem, factor * value, source, convention, proven))
    lines += _multiperiod(folders)
    Path(__file__).with_name("known.toml").write_text("\n".join(lines), encoding="utf-8")


def _multiperiod(folders: list[Path]) -> list[str]:
    """Entries of the multi-period portfolios, each under several budgets and risk aversions."""
    lines = []
    for name, values in MULTIPERIOD.items():
        files = sorted(f for top in folders for f in top.rglob(f"*{name}/stock_prices.txt*"))
        if not files:
            print(f"no file for {name}", file=sys.stderr)
            continue
        for (budget, risk), (value, proven) in values.items():
            problem = qopt.load(files[0], kind="multiperiod", budget=budget, risk_aversion=risk)
            title = f"{name}, budget {budget}, lambda {risk:g}"
            convention = "whole coefficients, model bqp_u3_c10"
            lines.append(_entry(problem, title, value, QOBLIB, convention, proven))
    return lines


def _entry(
    problem: Problem, title: str, value: float, source: str, convention: str, proven: bool
) -> str:
    return (
        f"[{fingerprint(problem)}]  # {title}\nvalue = {float(value)}\n"
        f'source = "{source}"\nconvention = "{convention}"\n'
        f"proven = {str(proven).lower()}\n"
    )


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
