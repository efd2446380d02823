# The main targets are `make run` and `make test`. Both set up everything that they need on a machine
# with only Python 3.11+ (with venv) and make.
PORT ?= 8000
PYTHON ?= python3
BIN := .venv/bin
# The tests start hundreds of processes. Bytecode must be written, or each process compiles all modules.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test setup check package bench bench-quick fuzz soak docs catalogue lock clean

run: setup
	@$(BIN)/eggypro serve --demo --show-key --port $(PORT)

test: setup
	@$(BIN)/python -m pytest -n auto

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@echo "Setting up .venv (once; half a minute)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "EggyPro needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

check: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

# Checks that the wheel is complete and starts with only its own requirements installed.
package: setup
	@rm -rf build dist
	@$(BIN)/hatchling build -t wheel >/dev/null
	@$(PYTHON) -m venv build/venv
	@build/venv/bin/pip install -q --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	@build/venv/bin/pip install -q --disable-pip-version-check --no-deps dist/*.whl
	@cd build && venv/bin/eggypro --version && venv/bin/eggypro seed --json

# Installs the programs that EggyPro is compared with into .bench, and writes bench/results.
bench: setup
	@$(BIN)/python -m bench $(ARGS)

# A few minutes, before and after a change: ARGS="--save before", then ARGS="--against before".
bench-quick: setup
	@$(BIN)/python -m bench --quick $(ARGS)

# Searches for examples that make a property test fail. The examples of `make test` are always the same.
fuzz: setup
	@$(BIN)/python -m pytest -n auto --hypothesis-profile fuzz $(ARGS)

# Random faults under load for up to an hour; `make soak ARGS="--minutes 5"` shortens it.
soak: setup
	@$(BIN)/python -m tests.system.soak $(ARGS)

docs: setup
	@$(BIN)/python -m tests.support.settings_page
	@$(BIN)/python -m tests.support.errors_page

# Describes the database that the migrations create. Run it after adding a migration.
catalogue: setup
	@$(BIN)/python -m tests.support.schema_catalogue

lock:
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --extra all --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv .data .bench build dist
