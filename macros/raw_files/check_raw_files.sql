{# What is wrong with a shop's files and can be seen from their names and headers. A run stops at its start, with a sentence that says what was
   found. Faults further down in a file are found as it is read: ecommerce_segments/build/file_faults.py puts what DuckDB then says into a sentence. #}

{# The names of the columns in a CSV file's header, in lower case. #}
{% macro checked_header(table, file, header) %}
    {% if modules.re.search('[\x00-\x08\x0e-\x1f]', header) %}
        {% do exceptions.raise_compiler_error(
            file ~ ' is no text in UTF-8, but an Excel workbook, an archive or UTF-16: save it as CSV in UTF-8, with commas,'
            ~ ' or call `segments run`, which reads workbooks and UTF-16.'
        ) %}
    {% endif %}
    {% set columns = header_columns(header, ',') %}
    {% for separator, name in {';': 'semicolons', '\t': 'tabs', '|': 'vertical bars'}.items() %}
        {% set others = header_columns(header, separator) %}
        {% set known = columns | select('in', table.columns) | list | length %}
        {% if others | select('in', table.columns) | list | length > known or known == 0 and columns | length == 1 and others | length > 1 %}
            {% do exceptions.raise_compiler_error(
                file ~ ' separates its columns by ' ~ name ~ ' and not by commas: ' ~ others | join(', ')
                ~ '. dbt alone reads commas between values, and a point in numbers, such as 12.50; `segments run` reads this file.'
            ) %}
        {% endif %}
    {% endfor %}
    {{ return(plain_names(columns) if table.is_loaded else columns) }}
{% endmacro %}

{# The names that exports for people give, as names of columns: `Lineitem compare-at price` is lineitem_compare_at_price. #}
{% macro plain_names(columns) %}
    {% set names = [] %}
    {% for column in columns %}
        {% do names.append(modules.re.sub('[^a-z0-9_]+', '_', column)) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}

{% macro header_columns(header, separator) %}
    {% set sign = modules.re.escape(separator) %}
    {% set columns = [] %}
    {% for field in modules.re.findall(sign ~ '("(?:[^"]|"")*"|[^' ~ sign ~ ']*)', separator ~ header.lstrip('\ufeff')) %}
        {% do columns.append(field | trim | trim('"') | trim | lower) %}
    {% endfor %}
    {{ return(columns) }}
{% endmacro %}

{# `delivered` are the columns of all files of the table together. #}
{% macro check_required_columns(table, files, delivered) %}
    {% if not delivered %}
        {% do exceptions.raise_compiler_error(
            'The required table ' ~ table.name ~ ' is empty: ' ~ some_files(files) ~ ' holds nothing, not even the names of columns.'
        ) %}
    {% endif %}
    {# Columns without a name are numbered. #}
    {% set names = [] %}
    {% for name in delivered if not modules.re.fullmatch('ignored_[0-9]+', name) %}
        {% do names.append(name) %}
    {% endfor %}
    {% set missing = [] %}
    {% set hints = [] %}
    {% for column in table.columns.values()
        if column.meta.get('required') and not ([column.name] + column.meta.get('also', [])) | select('in', delivered) | list %}
        {% do missing.append(column.name) %}
        {% set nearest = nearest_name(column.name, names | reject('in', table.columns) | list) %}
        {% do hints.append(nearest ~ ' for ' ~ column.name if nearest else '') %}
    {% endfor %}
    {% if missing %}
        {% set hints = hints | select | join(', ') %}
        {% do exceptions.raise_compiler_error(
            'The required column' ~ ('s ' if missing | length > 1 else ' ') ~ missing | join(', ') ~ ' of the table ' ~ table.name
            ~ (' are' if missing | length > 1 else ' is') ~ ' missing in ' ~ some_files(files)
            ~ ('. The columns there are ' ~ names | join(', ') if names else ', whose first line names no columns')
            ~ ('; did you mean ' ~ hints ~ '?' if hints else '.')
        ) %}
    {% endif %}
{% endmacro %}

{% macro some_files(files) %}
    {{ return(files[:3] | join(', ') ~ (' and ' ~ (files | length - 3) ~ ' more' if files | length > 3 else '')) }}
{% endmacro %}

{# {table: what lies in the directory in its place, and is not read}: files of another kind, and misspelt names. #}
{% macro unread_files(directory, paths, tables, delivered_files) %}
    {% set awaited = tables | map(attribute='name') | reject('in', delivered_files) | list %}
    {% set names = [] %}
    {% for (path,) in paths %}
        {% do names.append(path[directory | length + 1:].split('/')[0]) %}
    {% endfor %}
    {% set found = {} %}
    {% for name in names | unique %}
        {% set stem = name.split('.')[0] | lower %}
        {% if stem in awaited %}
            {% do found.update({
                stem: name ~ ' is not read: save it as ' ~ stem ~ '.csv (CSV in UTF-8, with commas) or ' ~ stem ~ '.parquet'
                ~ (', or call `segments run`, which reads it' if name.lower().endswith('.xlsx') else '')
            }) %}
        {% elif stem not in tables | map(attribute='name') and loop.index <= 100 %}
            {% set table = nearest_name(stem, awaited) %}
            {% if table %}
                {% do found.setdefault(table, name ~ ' is not read, as no table has this name: did you mean ' ~ table ~ '?') %}
            {% endif %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
