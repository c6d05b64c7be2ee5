# Every command of the project. The environment makes itself: what a command needs is installed into
# .venv on first use and again when pyproject.toml or constraints.txt change. A study needs less than
# the tests do.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
# One process more than there are cores, since many tests wait for what they have started; each
# takes about a gigabyte. tests/conftest.py says which tests share a process, and the order.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
PROCESSES := $(shell test $(CORES) -lt 8 && expr $(CORES) + 1 || echo 8)
PARALLEL := --numprocesses $(PROCESSES) --dist loadscope --no-loadscope-reorder

# The first Python of the supported versions; `make PYTHON=...` takes another.
CHECK := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(CHECK)' 2>/dev/null && echo $$python && break; done)

.DEFAULT_GOAL := help
.PHONY: help study ui doctor test test-all test-gpu lint format typecheck bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile
	@echo 'ARGS are passed on: make study ARGS="mnist_small --n-trials 14"'

study: $(VENV)/installed  ## search, train, score, track and report (the quickstart study)
	$(BIN)/python -m harness.study $(ARGS)

ui: $(VENV)/installed  ## browse every run in the MLflow UI, on this machine only
	$(BIN)/python -m harness.ui $(ARGS)

doctor: $(VENV)/installed  ## what works here and what does not
	$(BIN)/python -m harness.doctor $(ARGS)

test: $(VENV)/installed-test  ## the first tier of tests: every kind, in minutes
	$(BIN)/python -m pytest -m "not gpu and not slow" $(PARALLEL) $(ARGS)

test-all: $(VENV)/installed-test  ## both tiers: all tests, except those that need a GPU
	HARNESS_TEST_SCALE=1 $(BIN)/python -m pytest -m "not gpu" $(PARALLEL) $(ARGS)

test-gpu: $(VENV)/installed-test  ## the tests that need a GPU
	$(BIN)/python -m pytest -m gpu $(ARGS)

lint: $(VENV)/installed-test  ## style, format and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --no-cache

format: $(VENV)/installed-test  ## put the code in the format that lint checks
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

typecheck: $(VENV)/installed-test  ## strict types on harness/
	$(BIN)/mypy

bench: $(VENV)/installed-test  ## speed, measured on this machine
	$(BIN)/python -m tests.benchmarks $(ARGS)

clean:  ## remove the environment and the caches; mlruns/ and reports/ stay
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find harness tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what a study needs into $(VENV), 2.6 GB: two minutes or more, once"
	$(call install,.)
	@touch $@

$(VENV)/installed-test: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what the tests need into $(VENV), 3 GB with what a study needs: three minutes or more, once"
	$(call install,.[test$(comma)postgres$(comma)ray])
	@touch $(VENV)/installed $@

$(BIN)/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c '$(CHECK)' 2>/dev/null || { echo \
		"make: needs Python 3.11 to 3.13, found $$("$(or $(PYTHON),python3)" --version 2>/dev/null || echo none);" \
		"name one with make PYTHON=/path/to/python" >&2; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
# The pip that comes with Python 3.11 takes more than twice as long to look up what is needed.
	@$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --upgrade pip || \
		echo "pip could not be upgraded: the installation goes on with the one that is there"

# On a terminal, pip's lines become one that says what pip is at; elsewhere its longest step is one.
# Warnings are those of setuptools about editable installations, which are what is wanted here.
# Without --no-compile, every module would be compiled beforehand, which takes a third of the time;
# so Python compiles those that it imports, and keeps them whatever the caller's environment says:
# else every process compiles TensorFlow again.
unexport PYTHONDONTWRITEBYTECODE
comma := ,
define install
	@set -o pipefail; PYTHONWARNINGS=ignore $(BIN)/python -m pip install --no-compile --progress-bar off \
		--constraint constraints.txt --editable '$(1)' | while read -r step name rest; do \
		case "$$step $$name" in \
			"Collecting "*) text="looking up $$name" ;; \
			"Downloading "*) text="downloading $${name##*/} $$rest" ;; \
			"Installing collected") text="unpacking all packages, the longest step" ;; \
			*) continue ;; \
		esac; \
		if [ -t 1 ]; then printf '\r\033[K  %.70s' "$$text"; \
		elif [ $$step = Installing ]; then echo "  $$text"; fi; \
	done && { [ ! -t 1 ] || printf '\r\033[K'; }
endef
