PYTHON ?= python3
# `make test-all` tests with these too, as far as they are installed.
OTHER_PYTHONS ?= python3.12 python3.13
VENV ?= .venv
BIN := $(VENV)/bin
DATA ?= data/commodity
# Images without phones, computers and books; training goes without where the folder is missing.
BACKGROUND ?= data/background
# What the pretrained body comes from: training/mobilenet.py.
OBJECTRON := runs/mediapipe-objectron-0.4.1675468480.tgz
PORT ?= 8501
# Tests at a time: a file's tests stay together, they share a server or a browser.
WORKERS ?= auto
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Node and npm come from PyPI too, into the environment.
NPM = PATH="$(CURDIR)/$(BIN):$$PATH" npm

.PHONY: help demo record install check lint test test-all deploy-check image conformance docs lock messages browser train evaluate bench clean

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: install  ## the dashboard on http://localhost:8501, with its own model server
	$(BIN)/streamlit run app.py --server.port $(PORT)

record: install  ## the model's answers for the gallery anew, after a change of one of them
	$(BIN)/python -m detector record samples

install: $(VENV)/.installed  ## the virtual environment with what the dashboard needs

check: lint  ## the checks of a minute: linters, types, tests without a browser or a server
	$(PYTEST) -m "not browser and not server and not slow"

test: lint browser  ## all checks and tests
	$(PYTEST)

test-all: test  ## the same with every Python that is installed
	@for python in $(OTHER_PYTHONS); do \
	  if $$python -c "" 2>/dev/null; then \
	    $(MAKE) test PYTHON=$$python VENV=.venv-$${python##*/} || exit 1; \
	  else echo "$$python is not installed: left out"; fi; done

deploy-check: $(VENV)/.installed-dev  ## the files of deploy/ alone, with their own tools
	$(PYTEST) tests/deploy

image:  ## the image of deploy/Dockerfile, as root and without Docker, in out/image; tried out
	deploy/image.sh

conformance: $(VENV)/.installed-dev  ## TensorFlow Serving's gRPC behaviour, of the embedded server or of TARGET=host:8500 MODEL=name
	CONFORMANCE_TARGET=$(TARGET) CONFORMANCE_MODEL=$(MODEL) $(BIN)/python -m pytest -n 0 -rs tests/conformance

lint: $(VENV)/.installed-dev node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	@if [ -f package.json ]; then $(NPM) run --silent check; \
	  else echo "no package.json: nothing of JavaScript is checked"; fi

docs: $(VENV)/.installed-dev  ## the documents and the API's pages as a site in site/
	$(BIN)/python -m mkdocs build --strict

lock: $(VENV)/.installed-dev  ## write uv.lock after a change of requirements*.txt
	$(BIN)/uv lock --default-index https://pypi.org/simple

messages: $(VENV)/.installed-dev  ## the catalogues of detector/locale, after a change of what visitors read
	$(BIN)/python -m tests.support.catalogue

browser: $(VENV)/.installed-dev  # a Chromium for the tests: an installed one, or the system's package where root may install it
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

# uv installs exactly what uv.lock says. It is itself a package of PyPI; where there is none for this
# machine, or where it cannot reach PyPI as pip can, pip installs the direct dependencies as pinned.
# $(1): further options of uv; $(2): the requirements of pip.
define sync
	@{ $(BIN)/pip install --quiet --disable-pip-version-check $$(grep ^uv== requirements-dev.txt) && \
	  UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --locked --inexact $(1); } || { \
	  echo "uv cannot install: pip does" >&2; \
	  $(BIN)/pip install --quiet --disable-pip-version-check -r $(2) -e .; }
	touch $@
endef

$(VENV)/.installed: requirements.txt pyproject.toml uv.lock | $(VENV)/bin/python
	$(call sync,,requirements.txt)

$(VENV)/.installed-dev: requirements-dev.txt requirements-cluster.txt $(VENV)/.installed
	$(call sync,--extra dev --extra cluster,requirements-dev.txt)

# Without a package.json there is nothing to install.
node_modules/.installed: $(wildcard package.json package-lock.json) $(VENV)/.installed-dev
	@mkdir -p $(@D)
	@[ ! -f package.json ] || $(NPM) ci --silent
	touch $@

RECIPE := --body mobilenet --widths 48 128 160 192 --head 96 --samples 140000 --frozen 8000 \
  --warmup 2000 --decay 0.8 --ema 0.999 --repeat 0.7 --scene-share 0.62 --background-share 0.15 \
  --paste 0.4 --mix 0.15 --doubt 0.2 --zoom-out 0.12 --calm 0.1

train: .venv-train/.installed $(OBJECTRON)  ## a new model from DATA=folder, into runs/ and models/commodity/2
	MALLOC_TOP_PAD_=67108864 MALLOC_MMAP_THRESHOLD_=2000000000 MALLOC_TRIM_THRESHOLD_=8000000000 \
	  .venv-train/bin/python -m training.train --data $(DATA) --out runs/commodity \
	  $(if $(wildcard $(BACKGROUND)),--background $(BACKGROUND)) --body-weights $(OBJECTRON) \
	  $(RECIPE) $(ARGS)
	.venv-train/bin/python -m training.export --weights runs/commodity/best.pt --data $(DATA) \
	  --out models/commodity/2

$(OBJECTRON): | $(VENV)/.installed-dev
	@mkdir -p $(@D)
	$(NPM) pack --silent --pack-destination $(@D) @mediapipe/objectron@0.4.1675468480

evaluate: .venv-train/.installed  ## the shipped model against DATA=folder, through the client
	.venv-train/bin/python -m training.evaluate --data $(DATA) --card

bench: browser $(VENV)/.installed-bench  ## the figures of docs/performance.md, in ten minutes; ONLY=postprocess for one topic
	$(BIN)/python -m benchmarks $(ONLY) $(ARGS)

$(VENV)/.installed-bench: benchmarks/requirements.txt $(VENV)/.installed-dev
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

.venv-train/.installed: training/requirements.txt
.venv-studio/.installed: studio/requirements.txt
.venv-train/.installed .venv-studio/.installed:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

clean:  ## remove the virtual environments and the caches
	rm -rf .venv .venv-python3* node_modules site .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
