# Two commands are enough: `make up` and `make down`. `make help` lists the others.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

STACK ?= dev
PYTHON ?= python3
UV_VERSION := 0.13.8
BIN := .venv/bin
READY := .venv/.ready
JUDGED := tests/judges/.venv/.ready


.PHONY: help
help: ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

$(READY): pyproject.toml uv.lock app/pyproject.toml
	@echo "Python: dependencies into .venv"
	@uv=$$(command -v uv) || { \
	    test -x .uv/bin/uv || { $(PYTHON) -m venv .uv && .uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); }; \
	    uv=.uv/bin/uv; }; \
	  $$uv sync --frozen --quiet --compile-bytecode
	@if git rev-parse --git-dir >/dev/null 2>&1; then \
	    git config filter.machine-salt.clean "sed '/^encryptionsalt: /d'"; fi
	@touch $@

.PHONY: up
up: $(READY) ## Set up everything that is missing and deploy STACK (dev, stage or real)
	@$(BIN)/python -m local up
	@$(BIN)/inssa build --stack $(STACK)
	@eval "$$($(BIN)/inssa env)" && pulumi stack select --create $(STACK) >/dev/null
	@# Without the salt nothing has changed, and git shall say so.
	@test -n "$$(git diff -- Pulumi.$(STACK).yaml 2>/dev/null)" || git add Pulumi.$(STACK).yaml 2>/dev/null || true
	@eval "$$($(BIN)/inssa env)" && pulumi up --stack $(STACK) --yes --skip-preview --suppress-outputs
	@$(BIN)/inssa status $(STACK)

.PHONY: status
status: $(READY) ## Show what runs, and what answers at the addresses of STACK
	@$(BIN)/python -m local status
	@$(BIN)/inssa status $(STACK)

.PHONY: stop
stop: $(READY) ## End every process of the platform; data stays, `make up` starts it again
	@$(BIN)/python -m local stop

.PHONY: down
down: $(READY) ## Remove the platform and all its data; what was compiled stays in the cache
	@$(BIN)/python -m local down

.PHONY: check
check: $(READY) ## Format, lint, types and unit tests, in under a minute
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/ruff check --quiet
	@$(BIN)/mypy
	@$(BIN)/pytest -q -n auto -m "not e2e and not judges" --junitxml build/check.xml

.PHONY: test
test: $(READY) $(JUDGED) ## Everything: the local platform, a browser, a release under load
	@command -v chromium >/dev/null || apt-get install --yes --quiet --no-install-recommends chromium
	@$(BIN)/python -m local up
	@$(BIN)/pytest -q -n auto -m "not e2e and not judges and not faults" --junitxml build/fast.xml
	@$(BIN)/pytest -m "(e2e or judges) and not faults" --junitxml build/slow.xml

$(JUDGED): tests/judges/pyproject.toml tests/judges/uv.lock | $(READY)
	@echo "Judges: programs into tests/judges/.venv"
	@uv=$$(command -v uv || echo .uv/bin/uv); $$uv sync --project tests/judges --frozen --quiet --compile-bytecode
	@touch $@

.PHONY: judges
judges: $(JUDGED) ## Independent judges, offline: checkov, schemas of Kubernetes, hadolint, bandit, secrets
	@$(BIN)/pytest -q -m judges --junitxml build/judges.xml

.PHONY: tf-json
tf-json: $(READY) ## Write build/gke-STACK.tf.json and build/manifests-STACK.yaml of every stack
	@$(BIN)/python -m tests.judges.render build

.PHONY: faults
faults: $(READY) ## What takes long: every fault at every step, commands, pipelines, the platform
	@$(BIN)/python -m local up
	@$(BIN)/pytest -m faults --junitxml build/faults.xml

.PHONY: lock
lock: $(READY) ## Resolve dependencies anew: uv.lock and the image's requirements
	@uv=$$(command -v uv || echo .uv/bin/uv); $$uv lock --upgrade; \
	  for line in v1 v2; do $$uv export --quiet --package inssaservice --extra $$line --no-emit-project --no-dev --no-annotate \
	    --output-file app/requirements-$$line.txt; done

.PHONY: goldens
goldens: $(READY) ## Write the expected inventories of the stacks anew
	@$(BIN)/pytest -q tests/stack --update-goldens

.PHONY: bench
bench: $(READY) ## Measure every figure as a ratio in one run; writes build/bench.json
	@$(BIN)/python -m local up
	@$(BIN)/python -m tests.bench
