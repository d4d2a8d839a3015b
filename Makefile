# Every command of this house. `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The Python that creates .venv: the first on this machine that is new enough, or the one you name.
ifndef PYTHON
PYTHON := $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && exit; \
	done; command -v python3)
endif
# Where the demo listens.
PORT ?= 8000
export PORT
# More for pytest, such as ARGS="-k stop -x".
ARGS ?=

OURS := .venv/bin/python
LOCK := CUSTOM_COMPILE_COMMAND="make lock" $(OURS) -m piptools compile --quiet --upgrade \
	--generate-hashes --strip-extras --allow-unsafe \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## Install everything into .venv (the others call it; nothing to do takes no time)
ifeq ($(strip $(PYTHON)),)
	@echo "There is no python3 here. Install Python 3.11 or later, or name it: make PYTHON=..." && exit 1
endif
	@$(PYTHON) .ci/setup.py

# `exec`, so that Ctrl-C and kill reach Python itself and no shell stands between.
.PHONY: demo
demo: setup ## Start the whole product with demo data on this machine; Ctrl-C stops it (PORT=8000)
	@exec $(OURS) -m config.demo

.PHONY: demo-reset
demo-reset: setup ## Delete the demo's data
	@exec $(OURS) -m config.servers reset --data-dir .demo

.PHONY: test
test: setup ## Run every check and every test (ARGS="-k stop" for some of them)
	@.ci/chromium.sh
	@$(OURS) .ci/check.py
	@exec $(OURS) -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: check
check: setup ## Format, lint, types, import contracts, migrations, templates, translations
	@exec $(OURS) .ci/check.py

.PHONY: format
format: setup ## Rewrite Python and templates as `make check` wants them
	@$(OURS) -m ruff check --fix --quiet . ; $(OURS) -m ruff format .
	@find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 {} +

.PHONY: messages
messages: setup ## Put new texts into locale/ to be translated, and take out old ones
	@exec $(OURS) -m config.catalogues update

.PHONY: bench
bench: setup ## Measure, and write .bench/latest.json
	@exec $(OURS) -m bench $(ARGS)

.PHONY: faults
faults: setup ## Kill, flood and replay; a table of what was lost
	@exec $(OURS) -m bench.faults $(ARGS)

.PHONY: clean
clean: setup ## Delete what tests and checks left here; the demo's data stays
	@$(OURS) -m config.servers reset --data-dir .test-servers
	@rm -rf .bench .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache test-results

# The demo must run.
.PHONY: screenshots
screenshots: setup ## Take the pictures of docs/ from the running demo
	@exec $(OURS) docs/take_screenshots.py

.PHONY: screens
screens: setup ## Draw a sheet of every screen for docs/, as the browser tests see it
	@exec $(OURS) docs/take_screens.py $(ARGS)

.PHONY: lock
lock: setup ## Choose the newest versions that pyproject.toml allows and pin them with hashes
	@$(LOCK) --output-file requirements.txt pyproject.toml
	@$(LOCK) --extra quickstart --extra dev --constraint requirements.txt \
		--output-file requirements-dev.txt pyproject.toml
