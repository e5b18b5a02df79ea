"""Routes on the real command line: from stops to a map."""

import json
import subprocess
import sys

QOPT = [sys.executable, "-m", "qopt.cli.main"]

STOPS = """name,type,latitude,longitude,demand,early,late
home,depot,50.11,8.68,,06:00,20:00
Mainz,client,50.00,8.27,4,08:00,12:00
Bonn,client,50.73,7.10,4,,
Ulm,client,48.40,9.99,4,,15:00
"""

ROUND = """kind = "vrp"
data = "stops.csv"
speed = 70
[[vehicles]]
name = "van"
count = 2
capacity = 8
"""


def qopt(*arguments, code=0):
    done = subprocess.run(
        [*QOPT, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def test_a_round_is_planned_told_and_drawn(tmp_path):
    (tmp_path / "stops.csv").write_text(STOPS)
    (tmp_path / "round.toml").write_text(ROUND)
    plan = ("solve", tmp_path / "round.toml", "--solver", "cpsat")
    said = qopt(*plan, "-o", tmp_path / "round.geojson").stdout
    assert "optimal" in said
    assert "Mainz" in said
    features = json.loads((tmp_path / "round.geojson").read_text())["features"]
    assert sum(f["geometry"]["type"] == "LineString" for f in features) == 2
    report = tmp_path / "report.html"
    qopt("compare", tmp_path / "round.toml", "--solver", "cpsat", "--solver", "random",
         "--seeds", "1", "--report", report)
    page = report.read_text()
    assert page.count('<figure class="map">') == 1
    assert "haversine" in page
    assert "Mainz" in page


def test_faults_name_file_and_line_and_come_before_any_run(tmp_path):
    stops = tmp_path / "stops.csv"
    stops.write_text(STOPS.replace("48.40", "948.40"))
    done = qopt("solve", stops, "--set", "speed=70", "--set", "capacity=8", code=3)
    assert f"{stops}:5: Ulm lies at latitude 948.4" in done.stderr
    done = qopt("solve", "windows-12", "-o", tmp_path / "a.geojson", code=5)
    assert "GeoJSON needs longitude and latitude" in done.stderr
    stops.write_text(STOPS)
    done = qopt("solve", stops, "--set", "capacity=8", code=2)
    assert "set speed" in done.stderr
