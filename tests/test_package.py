"""What is shipped is whole: a wheel, installed alone, imports every module of the tree."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = {
    "qopt": "qopt", "problems": "qopt.problems", "solvers": "qopt.solvers", "cli": "qopt.cli"
}


def modules() -> list[str]:
    names = []
    for folder, package in FOLDERS.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            names.append(".".join([package, *(p for p in parts if p != "__init__")]))
    return names


def test_the_wheel_holds_every_module_and_instance(tmp_path):
    source = tmp_path / "source"
    subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, stdout=(tmp_path / "files").open("wb"),
    )
    for name in (tmp_path / "files").read_text().split("\0"):
        if name and (ROOT / name).is_file():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation",
         "--outdir", str(tmp_path), str(source)],
        check=True, capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    home = tmp_path / "fresh"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)],
        check=True,
    )
    # The libraries that qopt needs are lent from here; qopt itself must come from the wheel.
    site = next((home / "lib").glob("python*")) / "site-packages"
    script = "; ".join([
        "import sys",
        f"sys.path.append({sysconfig.get_paths()['purelib']!r})",
        "from importlib import import_module",
        f"found = [import_module(name) for name in {modules()!r}]",
        "print({m.__name__ for m in found if "
        f"not m.__file__.startswith({str(site)!r})}} or 'all from the wheel')",
        "from qopt.solvers.qaoa.fixed_angles import table",
        "assert table()",
        "from qopt.loading import bundled, load",
        "print(len([load(e.name) for e in bundled()]))",
    ])
    done = subprocess.run(
        [python, "-I", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "all from the wheel" in done.stdout
    assert int(done.stdout.split()[-1]) > 0
