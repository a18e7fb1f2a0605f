# Ferry's commands. Two environments: .venv serves (no torch), .venv-dev trains, exports and tests; and .venv-import for
# those who serve a model that is fetched.
PYTHON ?= python3
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# What make builds last for each environment: it says that the installation is complete.
SERVE_READY = .venv/.ready
UP_READY = .venv/.ready-up
DEV_READY = .venv-dev/.ready
IMPORT_READY = .venv-import/.ready

# `make up PORT=8080 REPLICAS=4 MODELS=models ADDRESS=0.0.0.0`; RUN holds configuration, logs and sockets.
PORT ?= 8080
ADDRESS ?= 127.0.0.1
REPLICAS ?= 0
REPLICA_PORT ?= 8001
MODELS ?= models
RUN ?= run
UP_PYTHON ?= .venv/bin/python
# `make check-images BASE=debootstrap` where no registry of images can be reached.
BASE ?= python:3.11-slim
DEVICE ?= cpu
# `make images EXTRAS=moses` for bundles whose text Moses and BPE cut.
EXTRAS ?=
MINUTES ?= 30

.PHONY: help serve peers test lint fast clean up roll down images check-images soak overload office
.DELETE_ON_ERROR:

help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

ifdef MODEL
# `firefox:de-en` and `Helsinki-NLP/opus-mt-de-en` as names of folders.
IMPORTED = imported/$(subst /,--,$(subst :,--,$(MODEL)))

# Served where it was imported: what cuts its text is there.
serve: $(IMPORT_READY) $(IMPORTED)/bundle
	.venv-import/bin/ferry-serve --models $(IMPORTED)

# A bundle is there whole or not at all; to have it anew, remove its folder.
$(IMPORTED)/bundle: | $(IMPORT_READY)
	mkdir -p $(IMPORTED)
	.venv-import/bin/ferry-import '$(MODEL)' $(IMPORTED)/bundle --name '$(MODEL)' $(IMPORT_OPTIONS)
else
serve: $(SERVE_READY)  ## answer on http://127.0.0.1:8000 with the bundled model, or with MODEL=firefox:de-en
	.venv/bin/ferry-serve
endif

up: $(UP_READY)  ## nginx and one replica per core on http://127.0.0.1:8080, supervised
	@$(UP_PYTHON) deploy/machine.py up --run $(RUN) --port $(PORT) --address $(ADDRESS) --replicas $(REPLICAS) \
	  --replica-port $(REPLICA_PORT) --models $(MODELS)

roll: $(UP_READY)  ## replace the replicas of `make up` one by one; no request fails
	@$(UP_PYTHON) deploy/machine.py roll --run $(RUN)

down: $(UP_READY)  ## stop what `make up` started
	@$(UP_PYTHON) deploy/machine.py down --run $(RUN)

images:  ## build ferry-serve and ferry-train with docker, podman or buildah
	$(PYTHON) deploy/images.py build --base $(BASE) --device $(DEVICE) --extras "$(EXTRAS)"

check-images:  ## build both, ask the server in the one, train in the other
	$(PYTHON) deploy/images.py check --base $(BASE)

# What the tests cover is measured where CI is set: it takes as long again by half.
ifdef CI
PYTEST = .venv-dev/bin/coverage run -m pytest
COVERED = .venv-dev/bin/coverage combine --quiet && .venv-dev/bin/coverage report
else
PYTEST = .venv-dev/bin/pytest
COVERED = @echo "What they cover: make test CI=1"
endif

test: lint  ## lint, types, import rules and all tests, with CI=1 what they cover; as root with apt it installs what they drive
	.venv-dev/bin/python -m tests.programs
	rm -f .coverage .coverage.*
	# Some hundred processes of ours start, and each would compile all modules anew where nothing may be kept; a test
	# process has one core, on which threads of torch would only wait for each other.
	env -u PYTHONDONTWRITEBYTECODE OMP_NUM_THREADS=1 $(PYTEST) -n 2 --dist loadfile
	$(COVERED)

peers: $(DEV_READY)  ## the clients of other services, from npm and PyPI, against servers of their own
	.venv-dev/bin/pytest -n 0 tests/clients tests/server/dialects/deepl/test_official_client.py \
	  tests/server/dialects/deepl/test_official_documents.py tests/server/dialects/libre/test_official_client.py

fast: $(DEV_READY)  ## the tests that take seconds
	.venv-dev/bin/pytest -m "not slow" tests/server tests/export

soak: $(DEV_READY)  ## MINUTES=30 of everything at once against a server of its own: FILE=sentences.de, one a line
	.venv-dev/bin/python benchmarks/soak.py --file $(FILE) --minutes $(MINUTES) --output $(RUN)/soak

overload: $(DEV_READY)  ## five times what the server can do for a minute: FILE=sentences.de, one a line
	.venv-dev/bin/python benchmarks/overload.py --file $(FILE) --output $(RUN)/overload

office: $(DEV_READY)  ## LibreOffice opens every translated office file and finds its words; as root with apt it installs it
	command -v soffice > /dev/null || apt-get install --yes --no-install-recommends \
		libreoffice-writer libreoffice-calc libreoffice-impress
	.venv-dev/bin/pytest tests/server/documents/test_libreoffice.py

lint: $(DEV_READY)  ## lint, types, import rules
	.venv-dev/bin/ruff check .
	.venv-dev/bin/ruff format --check .
	.venv-dev/bin/mypy
	.venv-dev/bin/lint-imports

clean:  ## remove all environments and all caches
	rm -rf .venv .venv-dev .venv-import .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.* *.egg-info

$(SERVE_READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ferry needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python $(PIP_INSTALL) --editable '.[serve]'
	touch $@

$(UP_READY): $(SERVE_READY)
	.venv/bin/python $(PIP_INSTALL) --editable '.[up]'
	touch $@

$(IMPORT_READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ferry needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv-import
	# As below.
	.venv-import/bin/python $(PIP_INSTALL) torch==2.13.0
	.venv-import/bin/python $(PIP_INSTALL) --editable '.[import]'
	touch $@

$(DEV_READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Ferry needs Python 3.11 or later: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv .venv-dev
	# torch by itself and exactly: a range takes the newest build, which on Linux brings gigabytes of CUDA.
	.venv-dev/bin/python $(PIP_INSTALL) torch==2.13.0
	.venv-dev/bin/python $(PIP_INSTALL) --editable '.[dev]'
	touch $@
