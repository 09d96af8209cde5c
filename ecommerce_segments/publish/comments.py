"""SQL that is written in Python: texts, and what a warehouse says of a table and its columns."""


def comments(table: str, description: str, columns: dict[str, str]) -> list[str]:
    """The statements that describe a table and its columns, on DuckDB and PostgreSQL. columns: their descriptions, by
    name."""
    return [f"comment on table {table} is {quoted(description)}"] + [
        f"comment on column {table}.{column} is {quoted(text)}" for column, text in columns.items()]


def quoted(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"
