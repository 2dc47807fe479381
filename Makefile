# Two commands: `make demo` runs the main job, `make test` the tests. Both set up .venv first.
# Bytecode is worth half of a small program's start.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
TEST_WORKERS ?= 2

.PHONY: setup demo test crash check format lock clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Penstock needs Python 3.11 or newer; set PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/python -m compileall -q penstock
	@touch $(STAMP)

demo: setup
	$(BIN)/python examples/demo.py $(DEMO_ARGS)

test: setup
	$(BIN)/python -m pytest -n $(TEST_WORKERS) --dist loadfile $(TEST_ARGS)

# SIGKILL a hundred times at random moments and at every named point of a batch, for every sink (8 minutes).
crash: setup
	PENSTOCK_CRASH_KILLS=100 $(BIN)/python -m pytest tests/crash -n 0 --timeout 1800 -s

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Resolve pyproject.toml anew into requirements.lock (in a scratch environment).
lock:
	$(PYTHON) scripts/lock.py

clean:
	rm -rf .venv demo-data .pytest_cache .mypy_cache .ruff_cache
