"""The classic problems through the real command line."""

import json
import subprocess
import sys

import pytest


def qopt(*arguments, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "qopt.cli.main", *map(str, arguments)],
        capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.parametrize(
    ("kind", "file", "text", "settings", "best"),
    [
        ("knapsack", "k.txt", "3 4\n6 3\n5 2\n4 2\n", (), 9),
        ("bin-packing", "b.bpp", "3\n10\n6\n5\n4\n", (), 2),
        ("job-shop", "j.jsp", "2 2\n0 2 1 1\n1 1 0 2\n", (), 4),
        ("number-partitioning", "n.txt", "4\n5\n7\n", ("--set", "objective=difference"), 2),
    ],
)
def test_files_are_solved_and_proven(tmp_path, kind, file, text, settings, best):
    path = tmp_path / file
    path.write_text(text)
    done = qopt("solve", path, "--kind", kind, *settings, "--solver", "cpsat", "--json")
    data = json.loads(done.stdout)
    assert (data["status"], data["objective"], data["violations"]) == ("optimal", best, [])


def test_a_wrong_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "j.txt"
    path.write_text("2 2\n0 2 1 1\n0 1 0 2\n")
    done = qopt("solve", path, "--kind", "job-shop", code=3)
    assert f"{path}:3: job 2 visits machine 0 twice" in done.stderr


def test_an_answer_is_written_in_the_format_of_qaplib(tmp_path):
    path = tmp_path / "nug5.sln"
    qopt("solve", "nug5", "--solver", "cpsat", "-o", path)
    size, value, *order = path.read_text().split()
    assert (size, value, sorted(order)) == ("5", "50", ["1", "2", "3", "4", "5"])
