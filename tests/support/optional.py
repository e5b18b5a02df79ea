"""Optional packages, which some environments of the tests lack."""

from importlib.util import find_spec

DISTRIBUTIONS = {
    "braket.default_simulator": "amazon-braket-default-simulator",
    "cirq": "cirq-core",
    "qiskit_qasm3_import": "qiskit-qasm3-import",
}
"""Those that are not called as their module is."""


def installed(module: str) -> bool:
    """Whether a module can be imported; it is not."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # the parent of a dotted name is not there
        return False


def reason(module: str) -> str:
    """Why tests that need a module are skipped."""
    return f"needs {DISTRIBUTIONS.get(module, module)}"
