"""Calibrations of IBM's devices, from the files that qiskit-ibm-runtime carries.

The package's fake backends are two JSON files each: ``conf_NAME.json`` says what there is,
``props_NAME.json`` what was measured. They are read as they are: importing the package takes
seconds.
"""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from qopt.calibration import Calibration, GateCalibration, QubitCalibration
from qopt.errors import MissingPackageError, ParseError

INVENTED = ("fractional", "nighthawk")
"""Fake backends whose error rates are, by their own word, of no real device."""

_REPETITION_DELAY = 250e-6
"""IBM's usual delay between shots, where a configuration does not say."""

_SCALES = {
    "": 1.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9, "Hz": 1.0, "MHz": 1e6,
    "GHz": 1e9,
}

_NOT_GATES = ("measure", "delay")

Bits = tuple[int, ...]


@lru_cache(maxsize=1)
def device_names() -> tuple[str, ...]:
    """Devices whose calibrations qiskit-ibm-runtime holds; found without importing it."""
    return tuple(sorted(
        path.name
        for path in _folder().iterdir()
        if (path / f"props_{path.name}.json").exists() and path.name not in INVENTED
    ))


@lru_cache(maxsize=128)
def device_qubits(name: str) -> int:
    """Qubits of a device of `device_names`, dead ones included, as its configuration says."""
    return int(_read(name, "conf")["n_qubits"])


@lru_cache(maxsize=8)
def packaged_calibration(name: str) -> Calibration:
    """The calibration of a device of `device_names`.

    Gates are those that the device offers without being asked: Heron's fractional ``rx`` and
    ``rzz`` are not among them.

    Raises
    ------
    ParseError
        Where the package's files are not as they have always been.
    """
    configuration, properties = _read(name, "conf"), _read(name, "props")
    try:
        return Calibration(
            name=f"ibm_{name}",  # as IBM names devices now, whatever stood before it then
            date=str(properties["last_update_date"]),
            qubits=tuple(_qubit(_values(row)) for row in properties["qubits"]),
            gates=_gates(configuration, properties["gates"]),
            dt=_seconds(configuration.get("dt"), 1e-9),
            repetition_delay=(
                _seconds(configuration.get("default_rep_delay"), 1e-6) or _REPETITION_DELAY
            ),
            source=f"qiskit-ibm-runtime's props_{name}.json",
        )
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        path = _path(name, "props")
        raise ParseError(path, f"is not laid out as IBM's properties are: {fault!r}") from None


def _qubit(values: Mapping[str, float]) -> QubitCalibration:
    stated = values["readout_error"]
    # Old calibrations know one figure; new ones measure it apart from the two kinds of misreading.
    zero = values.get("prob_meas1_prep0", stated)
    one = values.get("prob_meas0_prep1", stated)
    return QubitCalibration(
        values.get("T1"), values.get("T2"), values.get("frequency"), zero, one,
        values.get("readout_length"), stated_error=stated,
    )


def _gates(
    configuration: Mapping[str, Any], measured: Iterable[Mapping[str, Any]]
) -> dict[str, tuple[GateCalibration, ...]]:
    """Calibrated gates, and those that are there without a calibration."""
    offered = _offered(configuration)
    known: dict[str, dict[Bits, GateCalibration]] = {name: {} for name in offered}
    for gate in configuration["gates"]:
        if gate["name"] in known:
            places = map(tuple, gate.get("coupling_map") or ())
            known[gate["name"]] = {at: GateCalibration(at, None, None) for at in places}
    for row in measured:
        if row["gate"] in known:
            at, values = tuple(row["qubits"]), _values(row["parameters"])
            known[row["gate"]][at] = GateCalibration(
                at, values.get("gate_error"), values.get("gate_length")
            )
    everywhere = [(q,) for q in range(configuration["n_qubits"])]
    for name, found in known.items():
        if not found and name == "reset":
            known[name] = {at: GateCalibration(at, None, None) for at in everywhere}
    return {
        name: tuple(found[at] for at in sorted(found)) for name, found in known.items() if found
    }


def _offered(configuration: Mapping[str, Any]) -> list[str]:
    """Names of gates, in the order of the alphabet; ``reset`` counts where there is one."""
    supported = configuration.get("supported_instructions", ["reset"])
    names = {*configuration["basis_gates"], *({"reset"} & set(supported))}
    return sorted(names - set(_NOT_GATES))


def _values(parameters: Iterable[Mapping[str, Any]]) -> dict[str, float]:
    """Figures by name, in SI units."""
    return {
        row["name"]: float(row["value"]) * _SCALES[row.get("unit", "")] for row in parameters
    }


def _seconds(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit


def _read(name: str, kind: str) -> dict[str, Any]:
    return dict(json.loads(_path(name, kind).read_text(encoding="utf-8")))


def _path(name: str, kind: str) -> Path:
    return _folder() / name / f"{kind}_{name}.json"


def _folder() -> Path:
    """The folder of qiskit-ibm-runtime that holds a folder a device."""
    spec = find_spec("qiskit_ibm_runtime")
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError("a device named aer:...", ["qiskit-ibm-runtime"])
    return Path(spec.submodule_search_locations[0]) / "fake_provider" / "backends"
