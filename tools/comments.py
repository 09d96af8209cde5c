"""What a warehouse says of a table and its columns, as SQL."""


def comments(table: str, description: str, columns: dict[str, str]) -> list[str]:
    """The statements that describe a table and its columns, on DuckDB and PostgreSQL. columns: their descriptions, by name."""
    return [f"comment on table {table} is {literal(description)}"] + [
        f"comment on column {table}.{column} is {literal(text)}" for column, text in columns.items()]


def literal(text: str) -> str:
    """A text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"
