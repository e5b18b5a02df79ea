"""Portfolios through the real command line: settings, solvers and written weights."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import qopt.instances

PRICES = Path(qopt.instances.__file__).parent / "portfolio" / "sp500-20.csv"


def solve(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "qopt.cli.main", "solve", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def settings(**chosen):
    return [part for name, value in chosen.items() for part in ("--set", f"{name}={value}")]


def test_weights_are_set_and_written(tmp_path):
    done = solve(
        PRICES, *settings(weighting="continuous", select=4, min_weight=0.1, max_weight=0.4),
        "--solver", "sa:sweeps=50,reads=8", "-o", tmp_path / "weights.csv",
    )
    assert "the bits choose 4 assets by a proxy" in done.stdout
    header, *rows = (tmp_path / "weights.csv").read_text().split()
    weights = [float(row.split(",")[1]) for row in rows]
    assert header == "asset,weight"
    assert sum(weights) == pytest.approx(1.0)
    assert len(weights) == 4
    assert min(weights) >= 0.1 - 1e-6
    assert max(weights) <= 0.4 + 1e-6


def test_trading_from_present_weights(tmp_path):
    (tmp_path / "now.csv").write_text("asset,weight\nAAPL,0.5\nKO,0.5\n")
    data = json.loads(solve(
        PRICES, *settings(select=2, current=tmp_path / "now.csv", max_turnover=0.5, cost=0.001),
        "--solver", "cpsat", "--json",
    ).stdout)
    assert data["status"] == "optimal"
    assert {"AAPL", "KO"} & set(data["answer"])


def test_the_largest_sharpe_ratio_is_proven():
    data = json.loads(solve("sp500-20-sharpe", "--json").stdout)
    assert data["status"] == "optimal"
    assert data["objective"] == pytest.approx(1.2371577927259028)


def test_a_sampler_with_fewer_assets():
    data = json.loads(solve(
        "sp500-20-k5", "--solver", "qaoa:shots=64,lower.preselect=8", "--json"
    ).stdout)
    assert data["status"] == "feasible"
    assert data["notes"][0].startswith("8 of 20 assets are kept")


def test_a_setting_that_cannot_act_is_an_error():
    done = solve(PRICES, *settings(select=5, min_weight=0.1), code=2)
    assert "min_weight goes with weighting=continuous or budget" in done.stderr
