# Two commands do everything on a machine that has Python 3.11 to 3.13 and make:
#   make refresh   the demonstration company, from its sources to a release
#   make test      the tests

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	if $$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2>/dev/null; then echo $$p; break; fi; done)
BIN := .venv/bin
INSTALLED := .venv/installed
# A file of tests goes to one worker whole, because its tests share what took long to make.
# In the order of the folders: integration tests, which take longest, come before unit tests,
# so that no worker is left with a long one at the end. Three of them for two processors: a test
# waits for other processes a quarter of its time.
WORKERS ?= -n 3 --dist loadfile --no-loadscope-reorder
# Bytecode of the tests is kept: each worker would else make it anew, of 350 files.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest
export CUSTOMER_TIERS_HOME ?= $(CURDIR)/data

# Prints the folder of the dbt project as sources.yaml composes it.
COMPOSE := from pipeline.common.settings import Settings; \
	from pipeline.sources import load_sources; from pipeline.transform import project; \
	s = Settings.load(); print(project.compose(load_sources(s), s))

.PHONY: refresh test test-slow campaign bench check docs ui install lock superset-env \
	spark-env spark-test clean

refresh: $(INSTALLED)
	@$(BIN)/customer-tiers refresh

test: $(INSTALLED)
	$(PYTEST) -m "not slow and not campaign" $(WORKERS)

test-slow: $(INSTALLED)
	$(PYTEST) -m "slow and not campaign" $(WORKERS)

# Hundreds of faults, all kinds of bad data, a thousand publishes, sixty days: two hours.
campaign: $(INSTALLED)
	$(BIN)/python -m tests.faults.campaign --faults 200
	$(PYTEST) -m campaign
	CUSTOMER_TIERS_TEST_PROFILE=thorough $(BIN)/pytest -m hypothesis $(WORKERS)
	$(BIN)/python -m tests.faults.clean_days

# SIZE is the order lines of the past; BENCH keeps what is generated, for the next time.
SIZE ?= 1000000
REPEAT ?= 3
BENCH ?= $(CURDIR)/data/bench
bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.bench --lines $(SIZE) --repeat $(REPEAT) --folder $(BENCH)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	project="$$($(BIN)/python -c "$(COMPOSE)")" && DBT_PROJECT_DIR="$$project" \
		$(BIN)/sqlfluff lint "$$project/models" "$$project/tests"
	$(BIN)/sqlfluff lint --templater jinja pipeline/tiers/sql pipeline/identity/sql
	$(PYTEST) tests/unit $(WORKERS)

# One page that needs no server and no network: dbt_project/target/static_index.html.
docs: $(INSTALLED)
	$(BIN)/dbt docs generate --static --empty-catalog --target compile \
		--project-dir "$$($(BIN)/python -c "$(COMPOSE)")" --profiles-dir dbt_project \
		--target-path "$(CURDIR)/dbt_project/target"

ui: $(INSTALLED)
	@$(BIN)/customer-tiers ui

install: $(INSTALLED)

# The install step compiles bytecode: where Python is told not to write it, each start
# would otherwise take twice as long.
$(INSTALLED): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed." >&2; exit 2; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
		--require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	$(BIN)/python -m compileall -q -j 0 .venv/lib pipeline expectations || true
	touch $@

# Superset for tests/integration/test_superset.py, in an environment of its own (750 MB);
# its versions are not ours. Make SUPERSET_VENV a path of the environment for the tests too,
# if it is to lie elsewhere.
export SUPERSET_VENV ?= $(CURDIR)/.superset-venv
superset-env:
	$(PYTHON) -m venv "$(SUPERSET_VENV)"
	"$(SUPERSET_VENV)/bin/python" -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement tests/superset-requirements.txt

# Spark for tests/integration/test_spark*.py, in an environment of its own (550 MB); needs Java
# 17 or later. SPARK_VENV is where it lies, as above.
export SPARK_VENV ?= $(CURDIR)/.spark-venv
spark-env:
	$(PYTHON) -m venv "$(SPARK_VENV)"
	"$(SPARK_VENV)/bin/python" -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement tests/spark-requirements.txt

# Every table as Spark makes it, on a cluster of two workers, beside DuckDB's.
spark-test: $(INSTALLED)
	$(BIN)/pytest tests/integration/test_spark*.py

# Needs uv; writes the hashes of every platform and no address of an index.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --no-strip-extras \
		--output-file requirements.lock
	uv pip compile tests/superset-requirements.in --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --no-emit-index-url --no-strip-extras \
		--output-file tests/superset-requirements.txt
	uv pip compile tests/spark-requirements.in --constraint requirements.lock --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-strip-extras --output-file tests/spark-requirements.txt

clean:
	rm -rf .venv dbt_project/target
