"""Every bundled problem and solver keeps the contracts that plug-ins are held to."""

import pytest

import qopt
from qopt.loading import bundled
from qopt.registry import available
from qopt.testing import check_problem, check_solver

QUICK = {
    "qaoa": {"shots": 64},
    "qiskit-qaoa": {"shots": 64},
    "sa": {"sweeps": 20, "reads": 4},
    "dwave-sa": {"num_sweeps": 20, "num_reads": 4},
    "lns": {"local_steps": 10, "subsolver": "[sa:reads=2,sweeps=20]"},
    "dwave-tabu": {"num_reads": 2, "timeout": 0.05},
}


@pytest.mark.parametrize("entry", bundled(), ids=lambda entry: entry.name)
def test_bundled_instances_are_conforming_problems(entry):
    check_problem(qopt.load(entry.name))


@pytest.mark.parametrize("spec", available("solver"), ids=lambda spec: spec.name)
def test_bundled_solvers_conform(spec):
    if spec.missing():
        pytest.skip(f"needs {', '.join(spec.missing())}")
    check_solver(spec.name, QUICK.get(spec.name))


@pytest.mark.parametrize("wished", ["repair", "descent"])
@pytest.mark.parametrize("name", ["qaoa", "random"])
def test_samplers_conform_with_post_processing(name, wished):
    check_solver(name, {**QUICK.get(name, {}), "postprocess": wished})


def test_every_problem_kind_has_a_bundled_instance():
    assert {entry.kind for entry in bundled()} == {spec.name for spec in available("problem")}
