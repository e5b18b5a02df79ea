"""``qopt convert``: an instance in another format."""

import sys
from pathlib import Path

import click

from .options import complete_instances, instance_options, parse_settings


@click.command()
@click.argument("file", metavar="FILE", shell_complete=complete_instances)
@click.option(
    "--to", "target", required=True,
    type=click.Choice([
        "qubo", "bqm", "ising", "sparse", "lp", "qasm2", "qasm3", "qasm3-braket", "qasm3-pennylane",
    ]),
    help="qubo and ising: JSON; bqm: dimod's file; sparse: BiqMac; lp: CPLEX LP; "
    "qasm2, qasm3: the QAOA circuit in OpenQASM; qasm3-braket, qasm3-pennylane: as these read it.",
)
@click.option(
    "--output", "-o", type=click.Path(dir_okay=False, path_type=Path),
    help="Where to write; standard output if left out.",
)
@instance_options
@click.option(
    "--lower", "lowering", multiple=True, metavar="NAME=VALUE", callback=parse_settings,
    help="An option of the lowering, such as columns=16; repeat for more.",
)
@click.option(
    "--qaoa", default="qaoa", metavar="qaoa[:OPTION=VALUE,...]",
    help="Options of the circuit for qasm2 and qasm3: qaoa:p=2,angles=0.3;0.5;0.4;0.2",
)
def convert(
    file: str,
    target: str,
    output: Path | None,
    kind: str | None,
    settings: dict[str, str],
    lowering: dict[str, str],
    qaoa: str,
) -> None:
    """Write FILE as a QUBO, an Ising model, a program or a circuit."""
    from qopt.convert import convert as convert_problem
    from qopt.loading import load

    problem = load(file, kind=kind, **settings)
    content = convert_problem(problem, target, lowering=lowering, circuit=qaoa)
    if output is not None:
        output.write_bytes(content)
    else:
        sys.stdout.buffer.write(content)
