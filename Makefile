# Everything that is done to this repository, by name. Needs Python 3.11 or newer and make; the rest is installed here.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
DONE := $(VENV)/.done
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Further arguments for pytest: make test ARGS="tests/unit -x"
ARGS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: install ## Set up what is missing and start everything
	@exec $(BIN)/guardian up

.PHONY: demo
demo: install ## Show it with a made-up company and a provider on this machine: no key is needed, no real data touched
	@exec $(BIN)/guardian demo

.PHONY: install
install: $(DONE)/runtime ## Make .venv, install the locked dependencies, build the pages
	@$(BIN)/python -m guardian.ui.build

.PHONY: install-dev
install-dev: $(DONE)/dev install ## Also install what tests and checks need
	@$(BIN)/python -m tests.tools.chromium

.PHONY: test
test: install-dev ## Run every test, browser tests included, and search what they leave for secrets
	@GUARDIAN_SCAN=1 $(BIN)/pytest --cov --cov-report=term:skip-covered --cov-fail-under=90 -n 2 --dist loadgroup $(ARGS)

.PHONY: check
check: $(DONE)/dev ## Lint, types, import rules, migrations against models, links in the documentation
	@echo "· lint";                    $(BIN)/ruff check .
	@echo "· format";                  $(BIN)/ruff format --check .
	@echo "· types";                   $(BIN)/pyright
	@echo "· import rules";            $(BIN)/lint-imports
	@echo "· migrations match models"; $(BIN)/python -m tests.tools.drift
	@echo "· links";                   $(BIN)/python -m tests.tools.dead_links

.PHONY: bench
bench: install-dev ## Measure, and print the figures
	@GUARDIAN_FULL=1 $(BIN)/python -m tests.bench

.PHONY: audit
audit: $(DONE)/dev ## Look for known vulnerabilities in the locked dependencies
	@$(BIN)/python -m tests.tools.audit requirements.txt requirements-dev.txt

.PHONY: sbom
sbom: $(DONE)/dev ## Write sbom.json: what the product is made of, as CycloneDX
	@PYTHONWARNINGS="ignore:The Component this BOM" $(BIN)/cyclonedx-py requirements requirements.txt --pyproject pyproject.toml --mc-type application \
		--output-reproducible --of JSON -o sbom.json
	@echo "· sbom.json: $$(grep -c '"bom-ref": "requirements' sbom.json) components"

.PHONY: format
format: $(DONE)/dev ## Write the code the way `make check` wants it
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove everything that can be made again; the data in .guardian stays
	rm -rf $(VENV) .web .states .coverage* .pytest_cache .ruff_cache .import_linter_cache .hypothesis *.egg-info
	find guardian workers tests alembic -name __pycache__ -type d -prune -exec rm -rf {} +

# A lock file that is newer but says the same (a fresh checkout, another branch and back) installs nothing.
define install_lock
	@mkdir -p $(DONE)
	@lock=$$($(BIN)/python -c 'import hashlib, sys; print(*(hashlib.sha256(open(f, "rb").read()).hexdigest() for f in sys.argv[1:]))' $(1) pyproject.toml); \
	if [ "$$(cat $@ 2>/dev/null)" != "$$lock" ]; then \
		echo "· installing $(1): $$(grep -c == $(1)) packages"; \
		$(PIP) install --require-hashes --no-deps -r $(1) \
			| awk '/^Collecting/ {n++; printf "  %d %s\n", n, $$2; fflush()} /^Installing/ {print "  unpacking…"; fflush()}'; \
		PYTHONWARNINGS="ignore:Editable installation" $(PIP) install --quiet --no-deps --no-build-isolation --editable .; \
	fi; \
	echo "$$lock" > $@
endef

$(DONE)/runtime: requirements.txt pyproject.toml | $(BIN)/python
	$(call install_lock,requirements.txt)

$(DONE)/dev: requirements-dev.txt pyproject.toml | $(BIN)/python
	$(call install_lock,requirements-dev.txt)

$(BIN)/python:
	@tests/tools/make_venv $(VENV)
