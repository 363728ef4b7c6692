PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data/commodity
PORT ?= 8501

.PHONY: help demo install test browser train evaluate benchmark clean

help:  ## what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: install  ## the dashboard on http://localhost:8501, with its own model server
	$(BIN)/streamlit run app.py --server.port $(PORT)

install: $(VENV)/.installed  ## the virtual environment with what the dashboard needs

test: $(VENV)/.installed-dev browser  ## all tests and checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

browser:  # a Chromium for the tests: an installed one, or the system's package where root may install it
	@$(BIN)/python -m tests.support.browser || ( \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium ) || \
	  ( echo "The tests need Chrome or Chromium: install one, or name it in CHROME=/path/to/it" >&2; exit 1 )

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); } || { \
	  echo "Python's venv module is missing: sudo apt install python3-venv" >&2; exit 1; }

$(VENV)/.installed: requirements.txt | $(VENV)/bin/python
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

train: $(VENV)-train/.installed  ## a new model from DATA=folder, into runs/ and models/commodity/1
	MALLOC_TOP_PAD_=67108864 MALLOC_MMAP_THRESHOLD_=2000000000 MALLOC_TRIM_THRESHOLD_=8000000000 \
	  $(VENV)-train/bin/python -m training.train --data $(DATA) --out runs/commodity $(ARGS)
	$(VENV)-train/bin/python -m training.export --weights runs/commodity/best.pt --data $(DATA) \
	  --out models/commodity/1

evaluate: $(VENV)-train/.installed  ## the shipped model against DATA=folder, through the client
	$(VENV)-train/bin/python -m training.evaluate --data $(DATA) --card

benchmark: $(VENV)/.installed-dev browser  ## the figures of docs/performance.md, on this machine
	$(BIN)/python -m benchmarks.postprocess
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.figure
	$(BIN)/python -m benchmarks.page
	$(BIN)/python -m benchmarks.scrub
	$(BIN)/python -m benchmarks.batch

$(VENV)-train/.installed: training/requirements.txt
	$(PYTHON) -m venv $(VENV)-train
	$(VENV)-train/bin/pip install --quiet --disable-pip-version-check -r training/requirements.txt
	touch $@

clean:  ## remove the virtual environment and the caches
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
