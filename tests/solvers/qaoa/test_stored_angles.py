import json

import numpy as np
import pytest

from qopt.errors import InputError, UsageError
from qopt.solvers.qaoa import Qaoa
from qopt.solvers.qaoa.angles import interpolate
from qopt.solvers.qaoa.ansatz import Angles
from qopt.solvers.qaoa.simulate import Units
from qopt.solvers.qaoa.stored_angles import StoredAngles


def run(gammas, betas, mixer="x", phase=2.0, unit=1.0):
    units = {"phase": phase, "mixer": unit, "value": 3.0}
    return {"details": {"gammas": gammas, "betas": betas, "mixer": mixer, "units": units}}


def write(path, *documents):
    path.write_text("\n".join(json.dumps(each) for each in documents))
    return StoredAngles.read(path)


def test_the_median_of_the_runs_is_scaled_to_the_instance(tmp_path):
    stored = write(tmp_path / "runs.json", *(
        run([0.2 * k * phase], [-0.1 * k], phase=phase)
        for k, phase in ((1.0, 2.0), (2.0, 1.0), (5.0, 4.0))
    ))
    angles, source = stored.at(1, "x", Units(10.0, 1.0, 1.0))
    assert angles.gammas == pytest.approx((0.4 * 10.0,))
    assert angles.betas == pytest.approx((-0.2,))
    assert source.startswith("earlier runs: median of 3 with p=1 in runs.json, SHA-256 ")


def test_mixer_angles_have_units_too(tmp_path):
    stored = write(tmp_path / "run.json", run([0.3], [-0.2], "complete", 0.6, 0.4))
    angles, _ = stored.at(1, "complete", Units(0.6, 0.1, 1.0))
    assert angles.flat == pytest.approx((0.3, -0.05))


def test_fewer_layers_are_extended_and_more_are_left_out(tmp_path):
    stored = write(
        tmp_path / "runs.json", run([0.5, 0.9], [-0.6, -0.3]), run([9.0] * 5, [9.0] * 5)
    )
    angles, _ = stored.at(3, "x", Units(2.0, 1.0, 1.0))
    expected = interpolate(Angles((0.5, 0.9), (-0.6, -0.3)))
    np.testing.assert_allclose(angles.flat, expected.flat)
    with pytest.raises(UsageError, match="at most p=1; take what it holds: mixer=x,p=2, mixe"):
        stored.at(1, "x", Units(1.0, 1.0, 1.0))
    with pytest.raises(UsageError, match="no angles of mixer=ring"):
        stored.at(3, "ring", Units(1.0, 1.0, 1.0))


def test_one_document_an_array_and_lines_are_read_alike(tmp_path):
    documents = [run([0.1], [0.2]), {"details": {}}, run([0.3], [0.4])]
    lines = write(tmp_path / "lines.json", *documents)
    path = tmp_path / "array.json"
    path.write_text(json.dumps(documents, indent=1))
    assert StoredAngles.read(path).runs == lines.runs
    path.write_text("\n".join(json.dumps(each, indent=1) for each in documents) + "\n")
    assert StoredAngles.read(path).runs == lines.runs
    assert len(lines.runs) == 2


@pytest.mark.parametrize("text", [
    "", "nothing", "[1, 2]", "{}", '{"details": 3}', json.dumps(run([0.1], [])),
    json.dumps(run([], [])), json.dumps(run(["a"], [0.1])), json.dumps(run([float("nan")], [0.1])),
    json.dumps(run([[0.1, 0.2]], [[0.1]])), json.dumps(run([0.1], [0.1], phase=0.0)),
    '{"details": {"gammas": [0.1], "betas": [0.1]}}', "[" * 100_000,
    json.dumps(run([10**400], [0.1])), json.dumps(run([0.1], [0.1], phase=1e-320)),
    json.dumps(run([1e300], [0.1])), json.dumps(run("1", "2")),
])
def test_what_holds_no_angles_is_refused(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(InputError, match=r"bad.json"):
        StoredAngles.read(path)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    for path in (tmp_path, tmp_path / "none.json"):
        with pytest.raises(InputError, match="cannot read"):
            StoredAngles.read(path)
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot read"):
        Qaoa(angles_from=str(binary))


def test_warm_starts_have_angles_of_their_own(tmp_path):
    warm = run([0.5], [0.5])
    warm["details"]["warm_start"] = {"from": "convex"}
    stored = write(tmp_path / "runs.json", run([0.1], [0.2]), warm)
    for name, expected in (("x", (0.1, 0.2)), ("x from a warm start", (0.5, 0.5))):
        assert stored.at(1, name, Units(2.0, 1.0, 1.0))[0].flat == pytest.approx(expected)
