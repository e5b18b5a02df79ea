"""The real command line, end to end: what it prints, writes and exits with."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import QOPT, one_line_error, qopt


def test_solve_prints_one_json_object_with_everything():
    data = json.loads(qopt("solve", "burma14", "--solver", "cpsat", "--json").stdout)
    assert data["objective"] == data["bound"] == 3323
    assert data["status"] == "optimal"
    assert data["gap"] == 0
    assert data["feasible"]
    assert data["violations"] == []
    for name in ("instance", "solver", "seed", "answer", "usage", "cost"):
        assert name in data
    assert data["usage"]["phases"]["execute"]["wall"] > 0


def test_solve_for_people_and_answer_file(tmp_path):
    done = qopt("solve", "burma14", "--solver", "cpsat", "-o", tmp_path / "tour.json")
    assert "burma14 by cpsat: optimal, objective 3323" in done.stdout
    assert done.stderr == f"written: {tmp_path / 'tour.json'}\n"
    assert json.loads((tmp_path / "tour.json").read_text())


def test_solve_tells_the_risk_of_a_portfolio():
    arguments = ("solve", "sp500-10-k4", "--solver", "exact", "--set", "levels=0.9")
    shown = qopt(*arguments).stdout
    assert "diversification: assets held 4, effective assets 4, " in shown
    report = json.loads(qopt(*arguments, "--json").stdout)["insight"]
    assert f"value at risk: 90 % {report['value at risk']['90 %']:.6g}\n" in shown
    assert report["tail losses"].startswith("historical: 260 returns")


def test_portfolio_frontier(tmp_path):
    files = [tmp_path / f"f.{ending}" for ending in ("csv", "html", "json")]
    arguments = ("portfolio", "frontier", "sp500-10-k4", "--points", 3, "--solver", "exact")
    done = qopt(*arguments, *(x for file in files for x in ("-o", file)))
    assert "3 of 3 proven optimal" in done.stdout
    assert done.stderr == ""
    assert files[0].read_text().startswith("kind,risk,expected_return")
    assert "<svg" in files[1].read_text()
    data = json.loads(qopt(*arguments, "--json").stdout)
    assert data["points"][0]["objective"] == pytest.approx(
        json.loads(files[2].read_text())["points"][0]["objective"]
    )
    assert "--json" not in one_line_error(
        "portfolio", "frontier", "sp500-10-k4", "-o", tmp_path / "f.pdf", code=2
    )
    assert "is a tsp" in one_line_error("portfolio", "frontier", "burma14", code=5)


def test_portfolio_backtest(tmp_path):
    page, table = tmp_path / "b.html", tmp_path / "b.csv"
    arguments = (
        "portfolio", "backtest", "sp500-10-k4", "--window", 104, "--step", 52, "--solver", "exact",
    )
    done = qopt(*arguments, "--cost", 0.002, "-o", page, "-o", table)
    assert "3 rebalancings every 52 periods" in done.stdout
    assert "net of 20 basis points" in done.stdout
    assert "exact, Sharpe ratio: " in done.stdout
    assert done.stderr == ""
    assert "<svg" in page.read_text()
    assert table.read_text().startswith("period,exact,equal weight,")
    data = json.loads(qopt(*arguments, "--json").stdout)
    assert data["cost"] == 0.001
    assert "leave 10 to test on" not in one_line_error(*arguments[:3], "--window", 255, "--step", 5,
                                                       code=2)


def test_one_seed_gives_one_answer():
    options = ("solve", "cubic-14", "--solver", "qaoa:p=1,shots=200", "--seed", 5, "--json")
    first, second = (json.loads(qopt(*options).stdout) for _ in range(2))
    assert first["answer"] == second["answer"]
    assert first["samples"] == second["samples"]


def test_compare_writes_table_report_and_records(tmp_path):
    store, report, table = tmp_path / "runs.db", tmp_path / "out.html", tmp_path / "out.csv"
    arguments = (
        "compare", "cubic-14", "burma14", "--solver", "sa:reads=2,sweeps=50", "--solver", "cpsat",
        "--solver", "exact", "--seeds", 2, "--time-limit", 5, "--store", store,
        "--report", report, "--report", table,
    )
    done = qopt(*arguments)
    for word in ("cubic-14", "burma14", "cpsat", "exact", "optimal"):
        assert word in done.stdout
    assert "<html" in report.read_text()
    assert "cubic-14" in table.read_text()
    listed = json.loads(qopt("runs", "list", "--store", store, "--json").stdout)
    assert len(listed) == 10
    # `exact` cannot take burma14 (169 bits): refused in words, and not a crash.
    refused = [run for run in listed if run["status"] == "unsupported"]
    assert [(run["instance"], run["solver"]) for run in refused] == [("burma14", "exact")]
    # Again: everything is in the store already.
    before = store.stat().st_mtime_ns
    qopt(*arguments)
    assert store.stat().st_mtime_ns == before
    shown = qopt("runs", "show", listed[0]["id"], "--store", store, "--json")
    assert json.loads(shown.stdout)["key"].startswith(listed[0]["id"])
    lines = qopt("runs", "export", "--store", store).stdout.splitlines()
    assert len([json.loads(line) for line in lines]) == 10


@pytest.mark.parametrize(
    ("instance", "solver", "best"), [("P-n16-k8", "pyvrp", 450.0), ("burma14", "lkh", 3323.0)]
)
def test_routes_by_the_state_of_the_art(instance, solver, best):
    if solver == "lkh":
        pytest.importorskip("elkai")
    done = qopt("solve", instance, "--solver", solver, "--evaluations", 50, "--json")
    data = json.loads(done.stdout)
    assert (data["status"], data["objective"]) == ("feasible", best)


def test_post_processing_is_reported_apart_from_the_samples(tmp_path):
    store, report, table = tmp_path / "runs.db", tmp_path / "out.json", tmp_path / "out.csv"
    solver = "qaoa:p=1,shots=20,mixer=x,presolve=false,postprocess=descent"
    options = ("solve", "sp500-10-k4", "--seed", 1, "--json", "--solver")
    data = json.loads(qopt(*options, solver).stdout)
    plain = json.loads(qopt(*options, "qaoa:p=1,shots=20,mixer=x,presolve=false").stdout)
    made = data["samples"].pop("improved")
    assert data["samples"] == plain["samples"]
    assert made["method"] == "repair and descent"
    assert made["answer"]
    assert made["total"] == made["feasible_total"] == 20
    assert data["objective"] == made["best"] < data["samples"]["best"] == plain["objective"]
    assert "the answer was made of samples by repair and descent" in data["reason"]
    assert "postprocess" in data["usage"]["phases"]
    assert data["details"]["postprocess"]["changed"] > 0

    floor = "random:samples=20,presolve=false,postprocess=descent"
    done = qopt(
        "compare", "sp500-10-k4", "--solver", solver, "--solver", floor, "--solver", "exact",
        "--seeds", 2, "--store", store, "--report", report, "--report", table,
    )
    label = "qaoa:mixer=x,p=1,postprocess=descent,presolve=False,shots=20"
    assert "best sample" in done.stdout
    assert f"The samples of {label} " in done.stdout
    assert f"{label}: post-processing (repair and descent) made" in done.stdout
    assert "random sampling that is post-processed alike" in done.stdout
    (instance,) = json.loads(report.read_text())["instances"]
    row = next(row for row in instance["rows"] if row["label"] == label)
    assert row["postprocessing"] == "repair and descent"
    assert row["postprocessed"] == sum(run["postprocessed"] for run in row["run_list"])
    assert row["sampled_best"] >= row["best"]
    assert "wall_postprocess" in table.read_text().splitlines()[0].split(",")
    id_ = json.loads(qopt("runs", "list", "--store", store, "--json").stdout)[0]["id"]
    shown = json.loads(qopt("runs", "show", id_, "--store", store, "--json").stdout)
    assert shown["samples"]["improved"]["method"] == "repair and descent"


def test_runs_with_and_without_post_processing_share_a_store(tmp_path):
    from qopt.store import SqliteStore

    store = tmp_path / "runs.db"
    arguments = ("compare", "sp500-10-k4", "--seeds", 1, "--store", store, "--solver")
    qopt(*arguments, "random:samples=20")
    with SqliteStore(store, must_exist=True) as opened:
        (record,) = opened.find()
        assert "improved" not in record.samples
        assert "postprocess" not in record.usage.phases
    worked_on = "random:samples=20,postprocess=descent"
    done = qopt(*arguments, "random:samples=20", "--solver", worked_on)
    assert "1 of 2 runs were in the store already" in done.stdout


@pytest.mark.parametrize(
    ("target", "expected"),
    [("qubo", '"linear"'), ("ising", '"h"'), ("lp", "Subject To"), ("qasm3", "OPENQASM 3"),
     ("qasm2", "OPENQASM 2"), ("qasm3-braket", "zz("), ("sparse", " ")],
)
def test_convert(target, expected):
    assert expected.lower() in qopt("convert", "cubic-14", "--to", target).stdout.lower()


def test_what_is_converted_loads_again_with_the_same_optimum(tmp_path):
    original = json.loads(qopt("solve", "cubic-14", "--solver", "exact", "--json").stdout)
    files = {"qubo": "p.json", "bqm": "p.bqm", "sparse": "p.sparse", "lp": "p.lp"}
    for target, file in files.items():
        qopt("convert", "cubic-14", "--to", target, "-o", tmp_path / file)
        again = json.loads(qopt("solve", tmp_path / file, "--solver", "exact", "--json").stdout)
        assert abs(again["objective"]) == original["objective"], target


def test_catalogues():
    assert "cpsat" in qopt("solvers").stdout
    options = json.loads(qopt("solvers", "qaoa", "--json").stdout)["options"]
    shots = next(o for o in options if o["name"] == "shots")
    assert shots["type"] == "a whole number"
    assert shots["default"] > 0
    assert all(o["help"] for o in options)
    settings = json.loads(qopt("problems", "portfolio", "--json").stdout)["options"]
    assert {"select", "risk"} <= {o["name"] for o in settings}
    assert "burma14" in qopt("instances").stdout
    assert all(e["source"] for e in json.loads(qopt("instances", "--json").stdout))


def test_every_solver_and_problem_documents_every_option():
    for kind in ("solvers", "problems"):
        for spec in json.loads(qopt(kind, "--json").stdout):
            described = json.loads(qopt(kind, spec["name"], "--json").stdout)
            undocumented = [o["name"] for o in described["options"] if not o["help"]]
            assert not undocumented, (spec["name"], undocumented)


def test_wrong_usage_is_one_line_and_its_exit_code(tmp_path):
    assert "did you mean 'cpsat'" in one_line_error("solve", "burma14", "--solver", "cpsta", code=2)
    assert "did you mean 'shots'" in one_line_error(
        "solve", "cubic-14", "--solver", "qaoa:shot=3", code=2
    )
    assert "no file" in one_line_error("solve", "nowhere.tsp", code=3)
    assert "at most" in one_line_error("solve", "burma14", "--solver", "exact", code=4)
    assert "routing" in one_line_error("solve", "cubic-14", "--solver", "routing", code=5)
    assert "no run store" in one_line_error("runs", "list", "--store", tmp_path / "x.db", code=8)
    broken = tmp_path / "broken.tsp"
    text = Path(json.loads(qopt("instances", "--json").stdout)[0]["path"]).parent.parent
    broken.write_text((text / "tsp" / "burma14.tsp").read_text().replace("96.10", "abc"))
    error = one_line_error("solve", broken, code=3)
    assert f"{broken}:" in error
    assert "abc" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--seed", "-1"), "-1 is not in the range x>=0. (see qopt solve --help)"),
        (("--set", "select"), "write name=value, got 'select'"),
        (("--foo",), "--foo"),
        (("-o", "no/folder/a.json"), "the folder no/folder of the answer does not exist"),
    ],
)
def test_wrong_options_are_one_line_before_anything_runs(arguments, message):
    assert message in one_line_error("solve", "burma5", *arguments, code=2)


def test_an_answer_in_no_format_is_refused_before_anything_runs():
    done = qopt("solve", "burma5", "-o", "a.foo", "--json", code=5)
    assert "not .foo" in json.loads(done.stdout)["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "code"), [(("nowhere.tsp",), 3), (("burma5", "--seed", "x"), 2)]
)
def test_an_error_under_json_is_json_too(arguments, code):
    done = qopt("solve", *arguments, "--json", code=code)
    assert json.loads(done.stdout)["error"]["exit_code"] == code


def test_ctrl_c_prints_the_best_found():
    begin = time.perf_counter()
    short = [*QOPT, "solve", "burma14", "--solver", "sa", "--time-limit", "0.2"]
    subprocess.run(short, capture_output=True, check=False)
    start = time.perf_counter() - begin  # on a busy machine much longer than on an idle one
    process = subprocess.Popen(
        [*QOPT, "solve", "burma14", "--solver", "sa", "--time-limit", "60", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    time.sleep(2.0 * start + 1.0)
    os.kill(process.pid, signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    data = json.loads(out)
    assert process.returncode == 0
    assert "interrupted" in data["reason"]
    assert data["feasible"]


def test_help_and_import_load_no_heavy_library():
    code = (
        "import sys; import qopt; from qopt.cli.main import run; run(['--help']); "
        "heavy = {'numpy', 'scipy', 'qiskit', 'ortools', 'numba', 'pandas', 'networkx', 'rich'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_the_shell_completes_bundled_instances_and_solvers():
    def completed(*words):
        environment = {
            **os.environ, "_QOPT_COMPLETE": "bash_complete", "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-c", "from qopt.cli.main import group; group(prog_name='qopt')"],
            capture_output=True, text=True, timeout=60, check=False, env=environment,
        )
        return done.stdout.split()

    assert "plain,burma14" in completed("qopt", "solve", "burma")
    assert "plain,cpsat" in completed("qopt", "solve", "burma14", "--solver", "cp")


def test_encodings_are_shown_with_what_they_fit():
    done = qopt("qubits", "burma5")
    lines = done.stdout.splitlines()
    assert lines[0] == "burma5: tsp"
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["one-hot", "16"], ["edges", "10"], ["rank", "4"],
    ]
    assert "statevector, mps, aer:guadalupe (16)" in lines[2]
    data = json.loads(qopt("qubits", "burma14", "--lower", "encoding=edges", "--json").stdout)
    assert [row["qubits"] for row in data["encodings"]] == [91]
    error = one_line_error("qubits", "burma14", "--lower", "encodin=edges", code=2)
    assert "did you mean 'encoding'" in error


def test_tours_by_rank_and_by_edges():
    ranked = json.loads(
        qopt("solve", "burma5", "--solver", "qaoa:lower.encoding=rank", "--json").stdout
    )
    assert ranked["objective"] == 2321
    assert ranked["form"] == "table"
    assert ranked["usage"]["qubits"] == 4
    shown = qopt("solve", "burma14", "--solver", "sa:lower.encoding=edges", "--evaluations",
                 400_000_000, "--seed", 1)
    assert "objective 3323" in shown.stdout
    assert "subtour cut" in shown.stdout
