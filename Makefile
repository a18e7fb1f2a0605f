# Ferry's commands. Two environments: .venv serves (no torch), .venv-dev trains, exports and tests.
PYTHON ?= python3
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# What make builds last for each environment: it says that the installation is complete.
SERVE_READY = .venv/.ready
DEV_READY = .venv-dev/.ready

.PHONY: help serve test lint fast clean
.DELETE_ON_ERROR:

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

serve: $(SERVE_READY)  ## answer on http://127.0.0.1:8000 with the bundled model
	.venv/bin/ferry-serve

test: lint  ## lint, types, import rules and all tests
	.venv-dev/bin/pytest

fast: $(DEV_READY)  ## the tests that take seconds
	.venv-dev/bin/pytest -m "not slow" tests/server tests/export

lint: $(DEV_READY)  ## lint, types, import rules
	.venv-dev/bin/ruff check .
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/mypy
	.venv-dev/bin/lint-imports

clean:  ## remove both environments and all caches
	rm -rf .venv .venv-dev .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

$(SERVE_READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ferry needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP_INSTALL) --editable '.[serve]'
	touch $@

$(DEV_READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ferry needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv-dev
	# torch by itself and exactly: a range takes the newest build, which on Linux brings gigabytes of CUDA.
	.venv-dev/bin/python $(PIP_INSTALL) torch==2.13.0
	.venv-dev/bin/python $(PIP_INSTALL) --editable '.[dev]'
	touch $@
