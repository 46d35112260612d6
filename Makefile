# `make` alone prints what there is. Everything stays inside this directory, apart from pip's and uv's caches.

PYTHON ?= python3.11
ARGS ?=
BIN := .venv/bin

# Prerequisites are files, so that nothing is installed twice. Each group contains the one before it.
UP := .venv/up.stamp
TEST := .venv/test.stamp
CHECK := .venv/check.stamp
MANIFESTS := pyproject.toml sdks/python/pyproject.toml scripts/setup/install.sh

# Every process of a test run finds it by the environment, whatever its working directory.
MEASURE := $(CURDIR)/scripts/setup/coverage.toml
MEASURED := --rcfile=$(MEASURE)
export COVERAGE_ROOT := $(CURDIR)

.DEFAULT_GOAL := help
.PHONY: help up test unit check fix proto lock bench faults clean
.DELETE_ON_ERROR:

help:
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@ / { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo

##@ Run
up: $(UP) ## everything on this machine with invented people, until Ctrl-C (ARGS="--port-base 8700")
	$(BIN)/redletter dev --sample $(ARGS)

##@ Prove
test: $(TEST) ## all tests: unit, integration, end to end; prints the coverage of the domain
	$(BIN)/coverage erase $(MEASURED)
	COVERAGE_PROCESS_START=$(MEASURE) $(BIN)/python -m pytest -n 2 tests/unit tests/integration $(ARGS)
	$(BIN)/coverage combine $(MEASURED) --quiet
	$(BIN)/coverage report $(MEASURED)
	$(BIN)/python -m pytest tests/e2e tests/image $(ARGS)

unit: $(TEST) ## the unit tests alone, in seconds
	$(BIN)/python -m pytest -n 2 tests/unit $(ARGS)

check: $(CHECK) ## format, lint, types, imports between layers, protos, generated code, the chart
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/proto/check.py
	$(BIN)/python scripts/chart/check.py

bench: $(TEST) ## 20,000 messages due in one instant
	$(BIN)/python -m benchmarks.burst $(ARGS)

faults: $(TEST) ## three schedulers through every fault: frozen, killed, without Redis, PostgreSQL restarted (ARGS="--only flushall")
	$(BIN)/python -m benchmarks.faults $(ARGS)

##@ Change
fix: $(CHECK) ## format, and repair what can be repaired by itself
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/buf format -w protos

proto: $(CHECK) ## generate the Python of protos/ into sdks/python
	$(BIN)/python scripts/proto/generate.py

lock: $(UP) ## choose and lock the newest versions of all dependencies, with hashes and without hosts
	for group in tools up test check; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate \
	    --no-emit-index-url --no-emit-find-links --no-header \
	    requirements/$$group.in -o requirements/$$group.lock || exit; \
	done

clean: ## remove what make made (.venv, .build, caches); .redletter, your data, stays
	rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*

$(UP): requirements/up.lock requirements/tools.lock $(MANIFESTS)
	PYTHON=$(PYTHON) scripts/setup/install.sh up
	@touch $@

$(TEST): requirements/test.lock scripts/setup/redis7.sh scripts/setup/standardwebhooks_js.sh $(UP)
	PYTHON=$(PYTHON) scripts/setup/install.sh test
	scripts/setup/redis7.sh
	scripts/setup/standardwebhooks_js.sh
	@touch $@

$(CHECK): requirements/check.lock $(TEST)
	PYTHON=$(PYTHON) scripts/setup/install.sh check
	@touch $@
