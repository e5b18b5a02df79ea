"""The real command line, run as a process."""

import subprocess
import sys

QOPT = [sys.executable, "-m", "qopt.cli.main"]


def qopt(*arguments, code=0, **more):
    done = subprocess.run(
        [*QOPT, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False,
        cwd=more.pop("cwd", None),
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    return done


def one_line_error(*arguments, code, **more):
    done = qopt(*arguments, code=code, **more)
    lines = [line for line in done.stderr.splitlines() if line]
    assert len(lines) == 1, done.stderr
    return lines[0]
