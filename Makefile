# Every target sets up the environment that it needs, unless it is current.
SHELL := /bin/bash
# The first one that is installed is used.
PYTHONS := python3.11 python3.12 python3.13 python3
PYTHON ?= $(firstword $(foreach name,$(PYTHONS),$(if $(shell command -v $(name)),$(name))))
UV_VERSION := 0.13.9
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# DVC sends no usage statistics, and TensorFlow prints only warnings and errors.
export DVC_NO_ANALYTICS := 1
export TF_CPP_MIN_LOG_LEVEL := 2
# DVC keeps pickles about hashed files, by default in a folder that all users can write to.
export DVC_SITE_CACHE_DIR ?= $(CURDIR)/.dvc/tmp/site

.PHONY: help setup repro experiments compare test distributed-check lint lock fuzz audit coverage \
  pr-report profile arena55k real-rows check-cache faults bench bench-quick docs gpu-wheels lock-bench clean

help:  ## Show the targets.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: .venv/installed  ## Make .venv and install the locked packages, if they are not current.

.venv/installed: requirements.txt requirements/test.txt
	@$(PYTHON) --version | grep -qE ' 3\.1[123]\.' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=/path/to/python3.11"; exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet uv==$(UV_VERSION)
	.venv/bin/uv pip install --quiet --compile-bytecode --python .venv/bin/python --require-hashes \
	  -r requirements.txt -r requirements/test.txt
	@touch $@

repro: setup  ## Reproduce the pipeline, and show the report.
	dvc repro
	@cat metrics/report.md

# Without the hashes of dependencies, whose columns are ten times as wide as all others.
experiments: setup  ## Show every experiment: what it changes, its log losses and their noise.
	@test -n "$$(dvc exp list --all-commits --names-only)" || \
	  echo "There are no experiments yet: dvc exp run -S model.seq_len=1024 -n longer makes one."
	@COLUMNS=$${COLUMNS:-160} dvc exp show --only-changed --no-pager --drop '.*/|simulated$$'

compare: setup  ## Compare results: make compare A=longer [B=HEAD], commits or experiments.
	@python -m checks.review.compare "$(or $(A),HEAD)" $(if $(B),"$(B)")

test: setup  ## Check lint, format and types, and run every test.
	ruff check . && ruff format --check .
	lint-imports --no-cache > /dev/null || lint-imports --no-cache
	mypy --no-error-summary
	python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder

distributed-check: setup  ## Kill processes and disconnect hosts of a training (minutes, as root).
	python -m pytest tests/training/check_distribution.py

lint: setup  ## Fix what ruff can fix.
	ruff check --fix . && ruff format .

LOCK = uv pip compile --quiet $(UPGRADE) --universal --generate-hashes --python-version 3.11 \
  --custom-compile-command "make lock"
lock: UPGRADE ?= --upgrade
lock: setup  ## Update the locked requirements.
	$(LOCK) pyproject.toml --extra train --extra report --extra jax -o requirements.txt
	for name in test audit docs; do \
	  $(LOCK) requirements/$$name.in -o requirements/$$name.txt || exit 1; done

fuzz: setup  ## Read 10,000 hostile files and predict with 10,000 hostile bundles (an hour).
	python -m pytest --numprocesses 2 tests/sources/test_fuzz.py tests/sources/test_fuzz_schemas.py tests/bundle/test_fuzz_bundles.py --hypothesis-profile=fuzz

# With --strict, a package that the service does not know is an error instead of passing.
AUDIT = .venv-audit/bin/pip-audit --strict --disable-pip --progress-spinner off $(ACCEPTED)
# Findings that do no harm here, each with the reason.
# diskcache, which DVC uses, unpickles files of its folder, and no version fixes it. Only this user can
# write to the folder: see DVC_SITE_CACHE_DIR above.
ACCEPTED := --ignore-vuln CVE-2025-69872

audit: .venv-audit/installed  ## Look for known vulnerabilities in the locked packages (network).
	$(AUDIT) --require-hashes -r requirements.txt
	$(AUDIT) --require-hashes -r requirements/test.txt
	$(AUDIT) --require-hashes -r requirements/audit.txt
	$(AUDIT) --require-hashes -r requirements/docs.txt
	$(AUDIT) --no-deps -r requirements/bench.txt

.venv-audit/installed: requirements/audit.txt
	rm -rf .venv-audit
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/python -m pip install --quiet --require-hashes -r requirements/audit.txt
	@touch $@

coverage: setup  ## Check intervals and tests on simulated truth (minutes): docs/results/statistics.md.
	python -m checks.interval_coverage

pr-report: setup  ## Write what the workspace changes: make pr-report BASE=main [PROFILE=small].
	@python -m checks.review "$(or $(BASE),main)" $(if $(PROFILE),--profile "$(PROFILE)") \
	  $(if $(REPRODUCE),--reproduce)

profile: setup  ## Run a profile as an experiment: make profile NAME=small.
	@python -m profiles "$(or $(NAME),small)" $(if $(FORCE),--force)

arena55k: setup  ## Run the study's experiments on the 57,477 real battles (hours on a GPU).
	@python -m profiles arena55k $(if $(FORCE),--force)

real-rows: setup  ## Cross-validate the references on a file of votes: make real-rows FILE=votes.csv.
	@python -m checks.real_rows "$(or $(FILE),$(error name a file of votes: make real-rows FILE=votes.csv))"

check-cache: setup  ## Delete damaged files in DVC's cache; dvc repro makes them again.
	@python -m checks.faults.cache_check

faults: setup  ## Kill and disturb the pipeline, and compare (an hour): docs/results/reliability.md.
	python -m checks.faults

bench: setup .venv-bench/installed  ## Compare speed with others (hours): docs/results/benchmarks.md.
	python -m checks.benchmarks

bench-quick: setup .venv-bench/installed  ## The same with fewer layers and rows (minutes).
	python -m checks.benchmarks --quick

# With pip, because uv does not find builds of torch for CPUs in some indexes.
.venv-bench/installed: requirements/bench.txt requirements/bench-gpu.txt
	rm -rf .venv-bench
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet -r requirements/bench.txt
	! command -v nvidia-smi || .venv-bench/bin/python -m pip install --quiet -r requirements/bench-gpu.txt
	@touch $@

# The variable silences an advertisement of the theme, which would count as a warning.
docs: .venv-docs/installed  ## Build the site of docs/ into site/; a warning is an error.
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --quiet --strict --config-file checks/docs_site/mkdocs.yml

.venv-docs/installed: requirements/docs.txt
	rm -rf .venv-docs
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install --quiet --require-hashes -r requirements/docs.txt
	@touch $@

# For Python 3.12 on x86-64 Linux. kagglehub is missing, because keras-hub imports it only to download.
gpu-wheels:  ## Fetch packages for the benchmark on a GPU without network: docs/gpu.md.
	rm -rf .wheels-gpu
	$(PYTHON) -m pip download --quiet --no-deps --only-binary=:all: --dest .wheels-gpu \
	  --implementation cp --python-version 3.12 --platform manylinux_2_28_x86_64 \
	  --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 -r requirements/gpu.txt
	@du -sh .wheels-gpu

lock-bench:  ## Update the locked requirements of the benchmarks.
	rm -rf .venv-bench
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet -r requirements/bench.in
	{ echo "# Made by \`make lock-bench\` from requirements/bench.in. No hashes: torch's builds differ."; \
	  .venv-bench/bin/python -m pip freeze | sed 's/+.*//'; } > requirements/bench.txt

clean:  ## Remove environments and caches of tests, but not DVC's cache.
	rm -rf .venv .venv-bench .venv-audit .venv-docs .wheels-gpu .pytest_cache .hypothesis .ruff_cache .mypy_cache site
