"""The raw contract: the tables that a shop hands over, and their columns."""

import yaml

from ecommerce_segments import PROJECT

FILE = PROJECT / "models" / "staging" / "_raw_sources.yml"


def raw_contract() -> dict[str, dict[str, dict]]:
    """By table and column, what dbt's file of the raw sources says of the column: name, data_type, description, config.
    """
    tables = [
        table
        for source in yaml.safe_load(FILE.read_text())["sources"]
        if source["name"] == "raw"
        for table in source["tables"]
    ]
    return {table["name"]: {column["name"]: column for column in table["columns"]} for table in tables}
