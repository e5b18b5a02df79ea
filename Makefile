# make demo   create the environment, run the main job on bundled instances, write a report
# make test   run the whole test suite
# make check  lint, types and import contracts
# make bench  the benchmarks: measured claims, by name with BENCH=name

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= out

.PHONY: demo test check bench env clean

# The stamp is newer than pyproject.toml when everything in it is installed.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile -e .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

env: $(VENV)/.ready

demo: $(VENV)/.ready
	$(BIN)/qopt demo --out $(OUT)

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n auto

check: $(VENV)/.ready-dev
	$(BIN)/ruff check .
	$(BIN)/mypy qopt problems solvers cli
	$(BIN)/lint-imports

bench: $(VENV)/.ready-dev
	$(BIN)/python -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) $(OUT) build dist *.egg-info
