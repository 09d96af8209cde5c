"""A shop's files as spreadsheets and admin pages write them: what is found by looking, and copies in the strict form
that dbt reads. files.py knows which files, convert.py does one, text.py knows its text and values.py its values."""

from pathlib import Path

# Names the directory of the copies to dbt (macros/raw_files/converted_files.sql).
VARIABLE = "CONVERTED_FILES"


def copies_beside(warehouse: Path) -> Path:
    """Where the copies of the files stand that a warehouse is built from."""
    return warehouse.with_name(f"{warehouse.stem}.files")
