# make demo   create the environment, run the main job on bundled instances, write a report
# make test   run the whole test suite
# make check  lint, types and import contracts
# make bench  the benchmarks: measured claims, by name with BENCH=name

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= out

# A portfolio from real prices, two tours, vehicle routes, a mixed fleet with windows, a MaxCut.
DEMO   := sp500-20-k5 burma5 burma14 P-n16-k8 capitals-12 cubic-14

.PHONY: demo test check bench env clean

# The stamp is newer than pyproject.toml when everything in it is installed.
$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile -e .
	touch $@

$(VENV)/.ready-dev: $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check -e ".[dev]"
	touch $@

env: $(VENV)/.ready

demo: $(VENV)/.ready
	mkdir -p $(OUT)
	$(BIN)/qopt compare $(DEMO) --seeds 2 --time-limit 4 --threads 2 \
	    --solver cpsat --solver exact --solver portfolio --solver pyvrp --solver random \
	    --solver qaoa:p=2 --solver qaoa:device=aer:torino,compile_tries=2 \
	    --store $(OUT)/runs.db --report $(OUT)/report.html

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
