{# Files of spreadsheets and admin pages, such as CSV with semicolons or .xlsx: the command `segments` writes strict copies of them before it
   calls dbt (ecommerce_segments/read), and names their directory in the environment. Without it, dbt reads strict files alone. #}

{# The path to read for a file: that of its copy, if it has one that is not older. #}
{% macro converted_file(file) %}
    {% set copy = env_var('CONVERTED_FILES', '') ~ file ~ '.parquet' %}
    {% if env_var('CONVERTED_FILES', '') and fetch_rows('select file from glob(' ~ path_literal(copy) ~ ')') %}
        {% set is_current = fetch_rows(
            'select copy.last_modified >= original.last_modified from read_blob(' ~ path_literal(copy) ~ ') as copy, read_blob('
            ~ path_literal(file) ~ ') as original'
        )[0][0] %}
        {{ return(copy if is_current else file) }}
    {% endif %}
    {{ return(file) }}
{% endmacro %}

{# The ends of the names of files that are read, as a pattern. #}
{% macro file_suffixes() %}
    {{ return('[.](parquet|csv|csv[.]gz' ~ ('|xlsx' if env_var('CONVERTED_FILES', '') else '') ~ ')$') }}
{% endmacro %}
