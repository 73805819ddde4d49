# make test    set-up, lint, types, import rules, declared dependencies, all tests in parallel
# make quick   the same checks, and the tests that need no server, browser or training
# make check   the checks alone
# make sanitized  the tests of the C extensions, compiled with AddressSanitizer and UBSan
# make emulated   the same tests on other processors, under qemu (.ci/emulated says what it needs)
# make run     set-up, train (the embedded sample, or DATA with RECIPE), serve on 127.0.0.1:8000
# make train   the same without serving, also where a release is there already
# make format  what ruff can mend
# make docs    regenerate docs/cli.md and docs/api.md
# make site    the documentation site in build/site; broken links are errors
# make notebooks  run the notebooks of examples/ and keep what they show
# make tables  regenerate the tables and plots of docs/reproduction, the README's, and docs/searches.md
# make dist    the sdist and a wheel of the last commit, for the address REPOSITORY, in dist/
# make lock    write constraints.txt from a fresh environment

PYTHON ?= python3.11
DATA ?= sample
RECIPE ?= $(if $(filter sample,$(DATA)),sample,default)
NAME := $(notdir $(patsubst %/,%,$(DATA)))
RELEASES ?= releases/$(if $(filter $(RECIPE),$(NAME)),$(NAME),$(NAME)-$(RECIPE))
HOST ?= 127.0.0.1
PORT ?= 8000

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -q

# The tests start hundreds of processes, which would compile every module again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := test
.PHONY: test check quick all-tests quick-tests sanitized emulated run train format docs site notebooks tables dist lock clean

NATIVE := $(wildcard index/search/native/* training/native/*)

.venv/all: pyproject.toml constraints.txt $(NATIVE)
	$(PYTHON) -m venv .venv
	@echo "installing into .venv (this takes some minutes)"
	$(PIP) install -c constraints.txt -e '.[train,serve,dev]'
	touch $@

.venv/run: pyproject.toml constraints.txt $(NATIVE)
	$(PYTHON) -m venv .venv
	@echo "installing into .venv (this takes some minutes)"
	$(PIP) install -c constraints.txt -e '.[train,serve,client]'
	touch $@

# A Milvus server for the tests; what it needs is years old, hence apart.
.venv-milvus/all:
	$(PYTHON) -m venv .venv-milvus
	.venv-milvus/bin/python -m pip --disable-pip-version-check -q install \
	  'milvus==2.3.5' 'pymilvus==2.3.7' 'marshmallow<4' 'setuptools<80' 'numpy<2'
	touch $@

# Generators of clients from the OpenAPI document, and a tester of services, for the tests.
.venv-clients/all:
	$(PYTHON) -m venv .venv-clients
	.venv-clients/bin/python -m pip --disable-pip-version-check -q install \
	  'openapi-python-client==0.29.1' 'schemathesis==4.32.5'
	npm install --silent --no-fund --no-audit --no-package-lock --prefix .venv-clients \
	  openapi-typescript@7.13.0 openapi-fetch@0.17.0 typescript@5 @types/node@20
	touch $@

# Mermaid draws the site's diagrams; the site serves it itself.
.venv-site/all:
	npm install --silent --no-fund --no-audit --no-package-lock --prefix .venv-site mermaid@11.17.2
	touch $@

check: .venv/all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/deptry .
	$(BIN)/mypy

# The checks run beside the tests: without its cache, mypy takes as long as the quick ones.
test: .venv/all
	@$(MAKE) --no-print-directory -j2 check all-tests

quick: .venv/all
	@$(MAKE) --no-print-directory -j2 check quick-tests

all-tests: .venv/all
	$(BIN)/python -m pytest -q -n auto

quick-tests: .venv/all
	$(BIN)/python -m pytest -q -n auto --quick

sanitized: .venv/all
	.ci/sanitized

emulated: .venv/all
	.ci/emulated

run: .venv/run
	@test -e $(RELEASES)/CURRENT || $(BIN)/bitrecall train $(DATA) --recipe $(RECIPE) --releases $(RELEASES) --no-comparison
	$(BIN)/bitrecall serve --releases $(RELEASES) --host $(HOST) --port $(PORT)

train: .venv/run
	$(BIN)/bitrecall train $(DATA) --recipe $(RECIPE) --releases $(RELEASES)

format: .venv/all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/all
	$(BIN)/python -m bitrecall.docs > docs/cli.md
	$(BIN)/python -m bitrecall.service.api.openapi.reference > docs/api.md

site: .venv/all .venv-site/all
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: .venv/all
	$(BIN)/python examples/run_notebooks.py

tables: .venv/all
	$(BIN)/python -m benchmarks.training.recipe_search_page docs/searches > docs/searches.md
	$(BIN)/bitrecall reproduce --tables $(patsubst %,--page %,$(shell grep -l '<!-- results: ' README.md docs/*.md))
	$(BIN)/python -m bitrecall.reproduction.log_studies --tables

.venv-dist/all:
	$(PYTHON) -m venv .venv-dist
	.venv-dist/bin/python -m pip --disable-pip-version-check -q install 'build>=1.2' 'twine>=6'
	touch $@

dist: .venv-dist/all
	.ci/dist $(REPOSITORY)

lock:
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip --disable-pip-version-check -q install '.[train,serve,dev]'
	{ sed -n '/^#/p' constraints.txt; \
	  .venv-lock/bin/python -m pip freeze --all --exclude bitrecall --exclude pip | sed 's/+cpu//; s/ @ file.*//'; } > constraints.new
	mv constraints.new constraints.txt
	rm -rf .venv-lock

clean:
	rm -rf .venv .venv-milvus .venv-clients .venv-dist .venv-site build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
