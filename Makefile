# Two commands: `make demo` shows masks of a scene, `make test` passes every check. Nothing else is needed first.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2

# One thread of torch for each of the processes that test side by side; more would wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest -n $(JOBS) --dist worksteal

.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/python:
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"

# A stamp for each install: made anew when pyproject.toml changes, or when the clone lies elsewhere than before
# (an environment remembers its path).
HERE := $(shell pwd | cksum | cut -d " " -f 1)

.venv/core-$(HERE).stamp: pyproject.toml
	@test ! -e .venv/bin/python || ls .venv/*-$(HERE).stamp >/dev/null 2>&1 || rm -rf .venv
	@test -e .venv/bin/python || $(MAKE) --no-print-directory $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

.venv/dev-$(HERE).stamp: pyproject.toml .venv/core-$(HERE).stamp
	$(BIN)/python -m pip install --quiet --editable ".[all,dev]"
	@touch $@

.venv/docs-$(HERE).stamp: pyproject.toml .venv/dev-$(HERE).stamp
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	@touch $@

demo: .venv/core-$(HERE).stamp ## simulate a granule, mask it, write all products into demo/, print a table
	$(BIN)/hlsmask demo --out demo

train-demo: .venv/dev-$(HERE).stamp ## simulate samples, learn all five masks from them, judge what was learned (CPU, minutes)
	$(BIN)/python examples/train_demo.py --out train-demo

quickstart: .venv/dev-$(HERE).stamp ## run examples/quickstart.ipynb again and keep what it shows (CPU, a minute)
	$(BIN)/python examples/run_quickstart.py

weights: .venv/dev-$(HERE).stamp ## train the default network anew: make weights BACKGROUNDS=STORE [DEM=FILE] (hours on a CPU)
	@test -n "$(BACKGROUNDS)" || (echo "name a store of clear samples: make weights BACKGROUNDS=STORE" && exit 2)
	$(BIN)/python recipes/make_weights.py --backgrounds $(BACKGROUNDS) $(if $(DEM),--dem $(DEM))

check: .venv/dev-$(HERE).stamp ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## every check and every test but the slow proofs
	$(PYTEST) -m "not slow"

test-all: check .venv/docs-$(HERE).stamp ## the slow proofs too
	$(PYTEST)

docs: .venv/docs-$(HERE).stamp ## build the site into docs/_build/html; a warning fails
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "look at docs/_build/html/index.html"

format: .venv/dev-$(HERE).stamp ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and what the demo wrote
	rm -rf .venv demo train-demo docs/_build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.PHONY: help demo train-demo weights quickstart check test test-all docs format clean
