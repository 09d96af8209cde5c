"""The engines besides DuckDB: loading, comparing and running them."""
