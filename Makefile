# Two commands do everything: `make demo` and `make test`. The rest is for people who change flext.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help demo test check fix bench docs nightly lock clean postgres

help:  ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  \1\t/' | expand -t 12

$(STAMP): requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## watch flext bring a platform to its declared state, on the embedded services
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash docs/demo.sh

test: $(STAMP) postgres  ## every test
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not nightly"

# The ledger is tested on a real PostgreSQL too; where there is none, those tests are skipped and say so.
postgres:
	@command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || { \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; \
	} >/dev/null || echo "PostgreSQL is not here and cannot be installed: its tests will be skipped"

check: $(STAMP)  ## format, lint, types, import rules, budgets, freshness of docs and schema
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m pytest -q tests/repository

fix: $(STAMP)  ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## speed and memory, as ratios to floors measured in the same run
	$(BIN)/python -m tests.bench

docs: $(STAMP)  ## write the generated pages and schemas again
	$(BIN)/python -m tests.repository.generate

nightly: $(STAMP) postgres  ## the long searches; prints the seed that replays a failure
	$(BIN)/python -m pytest -n 2 -m nightly

lock: $(STAMP)  ## resolve the pinned, hashed development requirements again
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group dev --all-extras --upgrade pyproject.toml -o requirements-dev.txt

clean:  ## remove what the other targets made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build desired-state/.flext
