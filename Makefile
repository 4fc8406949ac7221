# Every target sets up what it needs; `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION := 1

LOCKS := $(wildcard requirements/*.txt)
READY := .venv/.ready

.PHONY: help setup demo demo-fast year test check lint format pipelines behaviours synth up lock

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(READY) ## make .venv, the image environments and the CDK CLI (silent when nothing changed)

$(READY): $(LOCKS) pyproject.toml infra/cdk_cli/package-lock.json
	@PYTHON=$(PYTHON) bash requirements/setup.sh
	@touch $@

demo: setup ## the whole loop on real flights, as far as the first drift and the recovery from it
	@$(BIN)/driftloop demo $(DEMO)

demo-fast: setup ## a sample of it, in under a minute: a third of January, two weeks of September
	@$(BIN)/driftloop demo --length fast $(DEMO)

year: setup ## the same, and then production left to real flights until December
	@$(BIN)/driftloop demo --length year $(DEMO)

test: setup ## the offline test suite, the whole loop in it
	@$(BIN)/pytest -q tests $(PYTEST)

check: lint ## lint, types, import contracts, definitions rebuilt and compared, synth with CDK's validation
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pipeline_definitions.build --check
	@$(BIN)/python docs/behaviours.py --check
	@$(MAKE) --no-print-directory synth

lint: setup
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

format: setup ## format and mend what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

pipelines: setup ## rebuild the committed definition.json files with the SageMaker SDK, offline
	@$(BIN)/python -m pipeline_definitions.build

behaviours: setup ## write docs/behaviours.md from the code
	@$(BIN)/python docs/behaviours.py

synth: setup ## synthesize the stacks with CDK's own validation on, for one account and for three
	@$(BIN)/python -m infra.app
	@CDK_OUTDIR=build/three-accounts CDK_CONTEXT_JSON="$$(cat docs/recipes/three-accounts.json)" \
		CDK_DEFAULT_ACCOUNT=111111111111 CDK_DEFAULT_REGION=us-east-1 $(BIN)/python -m infra.app

up: setup ## start the emulator
	@$(BIN)/driftloop up

lock: setup ## resolve the locked requirements anew
	@bash requirements/lock.sh
