# Everything a newcomer types. `make run` needs python3.11 with venv, and a package index only the first time.

PYTHON ?= python3.11
PORT ?= 8000
DATA ?= var
VENV := .venv
BIN := $(VENV)/bin
SITE = $(VENV)/lib/python3.11/site-packages

help: ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

run: $(VENV)/.runtime ## Start Banyan with demo data: make run [PORT=8000] [DATA=var]
	@exec $(BIN)/banyan --data "$(DATA)" up --port $(PORT)

# The tests start hundreds of commands: each source is compiled once for all of them, whatever the shell says.
test check proofs: export PYTHONDONTWRITEBYTECODE =
test check proofs: export PYTHONPYCACHEPREFIX = $(CURDIR)/$(VENV)/pycache

test: $(VENV)/.dev ## Run the tests; those of the code itself, tests/rules, are part of make check
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder --ignore tests/rules

check: $(VENV)/.dev ## Check style, types, directions of imports, house rules, templates, texts, generated pages
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest tests/rules tests/core/web/test_static.py tests/plugins/test_conformance.py
	$(BIN)/python -m core.testing.features --check

docs: $(VENV)/.dev ## Write the generated pages anew: hooks, proven features
	$(BIN)/python -m core.testing.hook_docs
	$(BIN)/python -m core.testing.features --write

proofs: $(VENV)/.dev ## Run the long proofs, for which the ten minutes of `make test` are too short
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder -m proof

torture: $(VENV)/.dev ## Kill an import of 100,000 rows 200 times and after every commit
	BANYAN_KILL_ROWS=100000 BANYAN_KILLS=200 $(BIN)/pytest tests/core/imports/test_import_kills.py
	BANYAN_PLUGIN_KILLS=100 $(BIN)/pytest tests/acceptance/test_plugin_kills.py

features: $(VENV)/.dev ## List the feature ids that tests prove
	@$(BIN)/python -m core.testing.features

bench: $(VENV)/.dev ## Measure the main operations
	$(BIN)/python -m bench

lock: $(VENV)/.dev ## Write the lock files anew from pyproject.toml
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url -o requirements.lock pyproject.toml
	uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --group dev -o requirements-dev.lock pyproject.toml

# A stamp per lock file: the second start installs nothing and needs no network.
$(VENV)/.runtime: requirements.lock | $(BIN)/banyan
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock | $(BIN)/banyan
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(VENV)/.runtime

# The project itself is not built: a path file puts the checkout on the path, a script gives the command.
$(BIN)/banyan:
	$(PYTHON) -m venv $(VENV)
	@echo "$(CURDIR)" > $(SITE)/banyan.pth
	@printf '#!%s\nfrom core.cli import main\n\nmain()\n' "$(CURDIR)/$(BIN)/python" > $@
	@chmod +x $@

.PHONY: help run test proofs check docs torture features bench lock
