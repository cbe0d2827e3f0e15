# Everything a newcomer needs: `make run`, then `make test`. Python 3.11+ and make are all that must be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Containers often set it; every process would then compile all libraries again: 20 s instead of 4 s a start.
unexport PYTHONDONTWRITEBYTECODE
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
# The certificates the machine trusts, which pip uses too: behind a proxy of its own uv would not know them.
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1
export DO_NOT_TRACK := 1

.PHONY: run up reports test lint bench lock clean help

help: ## Say what can be made
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(STAMP) ## Extract from the sandbox (or the configured partner), gate, build, publish
	@$(BIN)/mis run

up: $(STAMP) ## The Dagster UI and daemon on loopback
	@$(BIN)/mis up

reports: $(STAMP) ## The report pages on loopback; prints a sign-in link
	@$(BIN)/mis reports

test: $(STAMP) ## The whole test suite
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

lint: $(STAMP) ## ruff, mypy, sqlfluff, Dagster's definitions
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/mis exec sqlfluff lint dbt_project
	$(BIN)/mis exec dagster definitions validate -w workspace.yaml

bench: $(STAMP) ## Side-by-side measurements; see docs/performance.md
	$(BIN)/python -m benchmarks

lock: $(STAMP) ## Resolve requirements.lock again from pyproject.toml
	UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile pyproject.toml --extra dev --universal --generate-hashes \
		--no-strip-extras --no-annotate --no-emit-index-url --no-emit-find-links --upgrade -o requirements.lock
	awk '/^uv==/ { found = 1 } found { print } found && !/\\$$/ { exit }' requirements.lock > requirements-uv.lock

clean: ## Remove the virtual environment; .mis (your data) stays
	rm -rf $(VENV)

# uv installs the lock in 10 s where pip takes 2 minutes; where it cannot be had, pip does it from the same hashes.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed; this is " + sys.version.split()[0] + ". Try: make run PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the locked packages into $(VENV) (once; 20 s to 3 minutes) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock \
		&& $(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock \
		|| $(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
