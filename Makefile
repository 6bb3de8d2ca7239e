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

demo: .venv/core-$(HERE).stamp ## simulate a granule, mask it, write all products into demo/, print a table
	$(BIN)/hlsmask demo --out demo

train-demo: .venv/dev-$(HERE).stamp ## simulate samples, learn all five masks from them, judge what was learned (CPU, minutes)
	$(BIN)/python examples/train_demo.py --out train-demo

check: .venv/dev-$(HERE).stamp ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: check ## every check and every test but the slow proofs
	$(PYTEST) -m "not slow"

test-all: check ## the slow proofs too
	$(PYTEST)

format: .venv/dev-$(HERE).stamp ## mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove the environment and what the demo wrote
	rm -rf .venv demo train-demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

.PHONY: help demo train-demo check test test-all format clean
