"""The files of the dashboard for Superset: what they name is in the marts, and no contact data are among it."""

import re
from collections import Counter

import duckdb
import pytest
import sqlglot
import yaml
from sqlglot import exp

from project import PROJECT

ASSETS = PROJECT / "examples" / "superset" / "assets"
MODELS = [
    model
    for file in (PROJECT / "models" / "marts").rglob("*.yml")
    for model in yaml.safe_load(file.read_text()).get("models", [])
]
MARTS = {
    model["name"]: {column["name"]: column.get("data_type", "text") for column in model.get("columns", [])}
    for model in MODELS
}


def tagged(folder: dict) -> set[str]:
    """The models that dbt_project.yml marks as contact data, in a folder and those below it."""
    below = {name: entry for name, entry in folder.items() if isinstance(entry, dict)}
    return {name for name in below if "contact_data" in below[name].get("+tags", [])}.union(
        *map(tagged, below.values())
    )


CONTACT = tagged(yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["models"])


def files(folder: str) -> dict[str, dict]:
    """The files of a folder, by their names without extension."""
    return {path.stem: yaml.safe_load(path.read_text()) for path in sorted((ASSETS / folder).rglob("*.yaml"))}


DATABASES, DATASETS, CHARTS, DASHBOARDS = map(files, ("databases", "datasets", "charts", "dashboards"))
BY_UUID = {dataset["uuid"]: dataset for dataset in DATASETS.values()}


@pytest.fixture(scope="module")
def shop():
    """The marts without a row, as their contracts promise them."""
    with duckdb.connect() as connection:
        connection.execute("create schema marts")
        for mart, columns in MARTS.items():
            # Types that differ between engines stand as expressions; each is a text here.
            types = [f'"{name}" {"text" if "{{" in kind else kind}' for name, kind in columns.items()]
            if types:
                connection.execute(f"create table marts.{mart} ({', '.join(types)})")
        yield connection


def source(dataset: dict) -> str:
    return f"({dataset['sql']})" if dataset.get("sql") else f"{dataset['schema']}.{dataset['table_name']}"


def columns(shop, dataset: dict) -> set[str]:
    return {name for name, *_ in shop.execute(f"describe select * from {source(dataset)}").fetchall()}


def chart_columns(chart: dict) -> set[str]:
    """The columns that a chart asks, beside its metrics."""
    params = chart["params"]
    asked = [item["subject"] for item in params.get("adhoc_filters", [])] + params.get("all_columns", [])
    for name in ("x_axis", "groupby"):
        value = params.get(name, [])
        asked += [value] if isinstance(value, str) else value
    return set(asked)


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_is_made_of_marts_that_hold_its_columns(shop, name):
    dataset = DATASETS[name]
    there = columns(shop, dataset)
    assert {column["column_name"] for column in dataset["columns"]} <= there
    assert dataset.get("main_dttm_col") in there | {None}
    for metric in dataset["metrics"]:
        assert shop.execute(f"select {metric['expression']} from {source(dataset)}").fetchall(), metric["metric_name"]
        # Some engines would take a metric that is named like a column of its formula for that column.
        assert metric["metric_name"] not in there
        assert metric["description"].endswith(".") and metric["verbose_name"]


@pytest.mark.parametrize("name", CHARTS)
def test_a_chart_asks_its_dataset_what_is_there(shop, name):
    chart = CHARTS[name]
    dataset = BY_UUID[chart["dataset_uuid"]]
    params = chart["params"]
    assert chart["viz_type"] == params["viz_type"] and chart["description"]
    assert chart_columns(chart) <= columns(shop, dataset)
    metrics = {*params.get("metrics", []), *({params["metric"]} if "metric" in params else ())}
    sorted_by = {params[key] for key in ("timeseries_limit_metric", "x_axis_sort") if key in params}
    assert sorted_by <= metrics <= {metric["metric_name"] for metric in dataset["metrics"]}
    assert metrics or params["all_columns"]


def test_each_chart_and_filter_stands_on_the_dashboard():
    (dashboard,) = DASHBOARDS.values()
    assert dashboard["slug"] == re.search(r'DASHBOARD = "(.*)"', (ASSETS.parent / "run.py").read_text()).group(1)
    placed = [
        item["meta"] for item in dashboard["position"].values() if isinstance(item, dict) and item["type"] == "CHART"
    ]
    assert Counter(meta["uuid"] for meta in placed) == Counter(chart["uuid"] for chart in CHARTS.values())
    reached = {
        meta["chartId"]: next(chart for chart in CHARTS.values() if chart["uuid"] == meta["uuid"]) for meta in placed
    }
    for asked in dashboard["metadata"]["native_filter_configuration"]:
        (target,) = asked["targets"]
        excluded = set(asked["scope"]["excluded"])
        assert excluded < reached.keys()
        # A filter reaches the charts of its own dataset, all of them and no others: it is true or it is absent.
        assert {chart["dataset_uuid"] for number, chart in reached.items() if number not in excluded} == {
            target["datasetUuid"]
        }
        assert {number for number in excluded if reached[number]["dataset_uuid"] == target["datasetUuid"]} == set()


def test_the_columns_of_filters_are_there(shop):
    (dashboard,) = DASHBOARDS.values()
    for asked in dashboard["metadata"]["native_filter_configuration"]:
        (target,) = asked["targets"]
        assert target["column"]["name"] in columns(shop, BY_UUID[target["datasetUuid"]])


def test_no_contact_data_is_asked():
    asked = set()
    for dataset in DATASETS.values():
        query = sqlglot.parse_one(f"select * from {source(dataset)}", dialect="duckdb")
        asked |= {table.name for table in query.find_all(exp.Table) if table.db}
    assert asked <= MARTS.keys() and not asked & CONTACT
    assert CONTACT and CONTACT <= MARTS.keys()


def test_uuids_are_unique_and_lead_to_the_files():
    (database,) = DATABASES.values()
    everything = [*DATABASES.values(), *DATASETS.values(), *CHARTS.values(), *DASHBOARDS.values()]
    assert max(Counter(file["uuid"] for file in everything).values()) == 1
    assert {dataset["database_uuid"] for dataset in DATASETS.values()} == {database["uuid"]}
    assert {chart["dataset_uuid"] for chart in CHARTS.values()} == BY_UUID.keys()


def test_the_database_is_read_only_and_holds_no_secret():
    (database,) = DATABASES.values()
    assert database["sqlalchemy_uri"].endswith("access_mode=read_only") and not re.search(
        r":[^/]+@", database["sqlalchemy_uri"]
    )
    assert not any(database[right] for right in ("allow_ctas", "allow_cvas", "allow_dml", "allow_csv_upload"))
