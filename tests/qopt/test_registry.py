"""The registry: specs by name, duplicates, missing packages, plug-ins that do not load."""

import subprocess
import sys
from types import SimpleNamespace

import pytest

from qopt import registry
from qopt.errors import MissingPackageError, PluginWarning, UnknownNameError, UsageError
from qopt.forms import FORMS
from qopt.registry import Spec


def spec(name: str = "mine", kind: str = "solver", **more) -> Spec:
    return Spec(kind, name, "a test", more.pop("target", "toys:Brute"), ("qubo",), **more)


def publish(monkeypatch: pytest.MonkeyPatch, *entries: SimpleNamespace) -> None:
    monkeypatch.setattr(registry, "entry_points", lambda group: entries)
    registry._all.cache_clear()
    # The next test must not see what this one published.
    monkeypatch.setattr(registry, "_all", registry._all.__wrapped__)


def entry(load, owner: str | None = "someone") -> SimpleNamespace:
    dist = SimpleNamespace(name=owner) if owner else None
    return SimpleNamespace(dist=dist, value="package:SPECS", load=load)


def test_duplicates_are_refused_with_both_origins() -> None:
    with pytest.raises(UsageError, match="solver 'mine' is published by both one and two"):
        registry.gather([("one", [spec()]), ("two", [spec("other"), spec()])])
    same_name = registry.gather([("one", [spec()]), ("two", [spec(kind="problem")])])
    assert same_name["solver", "mine"].origin == "one"
    assert same_name["problem", "mine"].origin == "two"


def test_duplicates_across_distributions(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, entry(lambda: [spec()], "first"), entry(lambda: [spec()], "second"))
    with pytest.raises(
        UsageError, match=r"first \(package:SPECS\) and second \(package:SPECS\); uninstall one"
    ):
        registry.available("solver")


def test_specs_of_entry_points_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    publish(monkeypatch, entry(lambda: [spec("b"), spec("a"), spec("p", "problem")], None))
    assert [s.name for s in registry.available("solver")] == ["a", "b"]
    assert registry.find("problem", "p").origin == "unknown distribution (package:SPECS)"


@pytest.mark.parametrize("fault", [ImportError("no such module"), ValueError("broken on import")])
def test_a_plug_in_that_does_not_load_is_named_and_disables_nothing_else(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def load() -> None:
        raise fault

    publish(monkeypatch, entry(load), entry(lambda: [spec()]))
    text = rf"someone \(package:SPECS\) does not load: {type(fault).__name__}: {fault}"
    with pytest.warns(PluginWarning, match=text):
        assert registry.find("solver", "mine").name == "mine"


def test_unknown_names_bring_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="unknown solver 'cp-sat': did you mean 'cpsat'"):
        registry.find("solver", "cp-sat")
    with pytest.raises(UnknownNameError, match="unknown problem 'zzz': choose from bin-packing, "):
        registry.find("problem", "zzz")


def test_missing_packages_are_told_with_the_line_that_installs_them() -> None:
    needy = spec(requires=(("numpy", "numpy"), ("no_such_module", "dist-a"), ("no.such", "dist-b")))
    assert needy.missing() == ("dist-a", "dist-b")
    with pytest.raises(
        MissingPackageError, match="solver 'mine' needs dist-a, dist-b: pip install dist-a dist-b"
    ):
        needy.load()


def test_an_extra_is_told_as_the_shell_takes_it() -> None:
    needy = spec(requires=(("no_such_module", "dist-a"),), install="mine[fast]")
    with pytest.raises(MissingPackageError, match=r"needs dist-a: pip install 'mine\[fast\]'"):
        needy.load()


def test_load_imports_the_class() -> None:
    from toys import Brute

    assert spec().load() is Brute


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys; from qopt import registry; registry.available('solver'); "
        "[s.missing() for s in registry.available('solver')]; "
        "heavy = {'numba', 'dimod', 'qiskit', 'ortools', 'pulp', 'scipy', 'networkx'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_bundled_plug_ins_are_well_formed() -> None:
    for kind in ("problem", "solver", "device"):
        for item in registry.available(kind):
            assert item.name == item.name.lower()
            assert item.summary
            assert set(item.forms) <= FORMS.keys()
            assert item.origin.startswith("qopt-toolkit ")
