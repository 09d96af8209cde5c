{# The view over the files of one table. Each column of the contract gets its contract type, and beside each typed column
   stands `<column>__unreadable`: the delivered text where no value of that type can be read from it, else null.
   Absent columns are typed nulls; a table without files is a typed, empty stand-in. #}
{% macro raw_view_sql(table, files) %}
    {% set delivered = {} %}
    {% set parts = [] %}
    {% for reader in file_readers(table, files) or [{'sql': '(select 1) as nothing where false', 'columns': {}}] %}
        {% do delivered.update(reader.columns) %}
        {% do warn_of_lost_digits(table, reader) %}
        {% do parts.append(raw_part_sql(table, reader)) %}
    {% endfor %}
    {# An optional table may be an empty file, and a required one may come from connectors alone. #}
    {% if delivered or files and table.config.meta.get('required') %}
        {% do check_required_columns(table, files, delivered) %}
    {% endif %}
    {{ return(parts | join('\nunion all\n')) }}
{% endmacro %}

{# [{sql, columns: {lower-case name: delivered type}}]: the Parquet files of the same columns and types share a reader, as
   uniting types would turn values into text; each CSV file has its own, as its header gives the order of its columns. #}
{% macro file_readers(table, files) %}
    {% set readers = [] %}
    {% set parquet_paths = {} %}
    {% set json_paths = [] %}
    {% for file in files %}
        {% set path = converted_file(file) %}
        {% if path.lower().endswith('.parquet') %}
            {% set columns = {} %}
            {% for column in fetch_rows('describe select * from ' ~ parquet_source(table, [path_literal(path)])) %}
                {% do columns.update({column[0] | lower: column[1]}) %}
            {% endfor %}
            {% do parquet_paths.setdefault(tojson(columns, sort_keys=true), []).append(path_literal(path)) %}
        {% elif modules.re.search('[.](json|jsonl|ndjson)([.]gz)?$', path.lower()) %}
            {% do json_paths.append(path_literal(path)) %}
        {% else %}
            {% do readers.append(csv_reader(table, file)) %}
        {% endif %}
    {% endfor %}
    {% for columns, paths in parquet_paths.items() %}
        {% do readers.append({'sql': parquet_source(table, paths), 'columns': fromjson(columns)}) %}
    {% endfor %}
    {% if json_paths %}
        {% do readers.append(json_reader(table, json_paths)) %}
    {% endif %}
    {{ return(readers) }}
{% endmacro %}

{# JSON's values as the text that was delivered: DuckDB would guess types, and turn `A0EEBC99-...` into lower case. What is nested stays JSON. #}
{% macro json_reader(table, paths) %}
    {% set json_source = 'read_json([' ~ paths | join(', ') ~ '], union_by_name = true, sample_size = -1, maximum_depth = 1' ~ with_file_name(table) ~ ')' %}
    {% set values = [] %}
    {% set columns = {} %}
    {% for (name,) in fetch_rows('select column_name from (describe select * from ' ~ json_source ~ ')') if name | lower in table.columns %}
        {% set is_json = table.columns[name | lower].data_type == 'nested' or name == 'source_file' %}
        {% do values.append('"' ~ name ~ '"' ~ ('' if is_json else " ->> '$'") ~ ' as "' ~ name | lower ~ '"') %}
        {% do columns.update({name | lower: 'JSON' if is_json and name != 'source_file' else 'VARCHAR'}) %}
    {% endfor %}
    {{ return({'sql': '(select ' ~ values | join(', ') ~ ' from ' ~ json_source ~ ')' if values else json_source, 'columns': columns}) }}
{% endmacro %}

{# A table of a loader may declare a column source_file: the file that a row is from. #}
{% macro with_file_name(table) %}
    {{ return(", filename = 'source_file'" if 'source_file' in table.columns else '') }}
{% endmacro %}

{% macro parquet_source(table, paths) %}
    {{ return('read_parquet([' ~ paths | join(', ') ~ '], union_by_name = true, hive_partitioning = false, binary_as_string = true' ~ with_file_name(table) ~ ')') }}
{% endmacro %}

{# Naming every column spares DuckDB its sniffing, which costs more than reading a small file and guesses types. The header is
   read in order and loosely: the line ends of the values below it are none of its business. #}
{% macro csv_reader(table, file) %}
    {% set csv_source = path_literal(file) ~ ", auto_detect = false, compression = '" ~ ('gzip' if file.lower().endswith('.gz') else 'none') ~ "'" %}
    {% set header = fetch_rows(
        "select line from read_csv(" ~ csv_source ~ ", header = false, delim = '\x01', quote = '', escape = '', parallel = false,"
        ~ " strict_mode = false, columns = {'line': 'VARCHAR'}) limit 1"
    ) %}
    {% set columns = {} %}
    {% for name in checked_header(table, file, (header or [['']])[0][0] or '') %}
        {% if name in columns and name in table.columns %}
            {% do exceptions.raise_compiler_error('The column ' ~ name ~ ' stands twice in the header of ' ~ file ~ '.') %}
        {% endif %}
        {% do columns.update({('ignored_' ~ loop.index if name in columns or not name else name): 'VARCHAR'}) %}
    {% endfor %}
    {% set typed_columns = [] %}
    {% for name in columns %}
        {% do typed_columns.append("'" ~ name | replace("'", "''") ~ "': 'VARCHAR'") %}
    {% endfor %}
    {% if 'source_file' in table.columns %}
        {% do columns.update({'source_file': 'VARCHAR'}) %}
    {% endif %}
    {{ return({
        'sql': "read_csv(" ~ csv_source ~ ", header = true, hive_partitioning = false, delim = ',', quote = '\"', escape = '\"', columns = {"
            ~ typed_columns | join(', ') ~ "}" ~ with_file_name(table) ~ ")",
        'columns': columns if header else {},
    }) }}
{% endmacro %}

{# One reader in the contract's columns and order. #}
{% macro raw_part_sql(table, reader) %}
    {% set zone = none if table.is_loaded else local_time_zone(table.name) %}
    {% set inner = [] %}
    {% set local_times = {} %}
    {% set outer = [] %}
    {% for column in table.columns.values() %}
        {% set name = column.name %}
        {% set delivered_type = reader.columns.get(name) %}
        {% set delivered = delivered_value(name, delivered_type, column.data_type) if delivered_type else 'cast(null as varchar)' %}
        {% if column.data_type == 'nested' and column.meta.get('shape') %}
            {% set delivered = nested_value(delivered, delivered_type, column.meta.shape) %}
        {% endif %}
        {% do inner.append(delivered ~ ' as ' ~ name) %}
        {% set value = readable_value(name, delivered_type or 'VARCHAR', column.data_type) %}
        {% if zone and is_local_time(column, delivered_type) %}
            {% do local_times.update({name: local_time(name, delivered_type)}) %}
            {% set value = 'case when ' ~ name ~ '__local is null then ' ~ value ~ ' else ' ~ moment_of(name, zone) ~ ' end' %}
            {% do outer.append(clock_change(name, zone) ~ ' as ' ~ name ~ '__clock_change') %}
        {% elif zone and is_local_time(column, 'VARCHAR') %}
            {% do outer.append('cast(null as varchar) as ' ~ name ~ '__clock_change') %}
        {% endif %}
        {% do outer.append(value ~ ' as ' ~ name) %}
        {% if column.data_type not in ('text', 'nested') %}
            {% do outer.append('case when ' ~ value ~ ' is null then cast(' ~ name ~ ' as varchar) end as ' ~ name ~ '__unreadable') %}
        {% endif %}
    {% endfor %}
    {% set source = '(\n    select\n        ' ~ inner | join(',\n        ') ~ '\n    from ' ~ reader.sql ~ '\n) as delivered' %}
    {{ return('select\n    ' ~ outer | join(',\n    ') ~ '\nfrom ' ~ (with_local_times(source, local_times, zone) if local_times else source)) }}
{% endmacro %}

{# The value as delivered: text is trimmed and empty text null; numbers that stand for ids or flags lose their `.0`, and an id
   that is no number is none. #}
{% macro delivered_value(name, delivered_type, contract_type) %}
    {% set column = '"' ~ name ~ '"' %}
    {% if contract_type == 'nested' %}
        {{ return(column) }}
    {% elif delivered_type == 'VARCHAR' %}
        {# Looking at both ends first spares most values the trimming, a half of the time of reading events. #}
        {% set is_trimmed = [column ~ " >= '!'"] %}
        {% for blank in ["' '", "e'\\t'", "e'\\r'", "e'\\n'"] %}
            {% do is_trimmed.append('not suffix(' ~ column ~ ', ' ~ blank ~ ')') %}
        {% endfor %}
        {{ return(
            'case when ' ~ is_trimmed | join(' and ') ~ ' then ' ~ column
            ~ " else nullif(trim(" ~ column ~ ", e' \\t\\r\\n'), '') end"
        ) }}
    {% elif contract_type == 'text' and delivered_type in ('FLOAT', 'DOUBLE') %}
        {{ return(digits_of(column)) }}
    {% elif contract_type in ('text', 'boolean') and modules.re.match('FLOAT|DOUBLE|DECIMAL', delivered_type) %}
        {{ return("regexp_replace(cast(" ~ column ~ " as varchar), '[.]0+$', '')") }}
    {% elif contract_type == 'text' %}
        {{ return('cast(' ~ column ~ ' as varchar)') }}
    {% endif %}
    {{ return(column) }}
{% endmacro %}

{# A nested value in the shape that a loader's table declares (`config.meta.shape`, as DuckDB's from_json takes it): fields that were not delivered
   are null, others are left aside. #}
{% macro nested_value(value, delivered_type, shape) %}
    {% if delivered_type == 'JSON' %}
        {{ return('from_json(' ~ value ~ ", '" ~ tojson(shape) ~ "')") }}
    {% endif %}
    {{ return('cast(' ~ value ~ ' as ' ~ type_of_shape(shape) ~ ')') }}
{% endmacro %}

{% macro type_of_shape(shape) %}
    {% if shape is string %}
        {{ return(shape) }}
    {% elif shape is mapping %}
        {% set fields = [] %}
        {% for name, field in shape.items() %}
            {% do fields.append('"' ~ name ~ '" ' ~ type_of_shape(field)) %}
        {% endfor %}
        {{ return('struct(' ~ fields | join(', ') ~ ')') }}
    {% endif %}
    {{ return(type_of_shape(shape[0]) ~ '[]') }}
{% endmacro %}

{# The contract's value of a delivered one, null where it cannot be read. Typed values never pass through text. #}
{% macro readable_value(delivered, delivered_type, contract_type) %}
    {% set is_moment = modules.re.match('TIMESTAMP|DATE', delivered_type) %}
    {% if contract_type in ('text', 'nested') or contract_type == delivered_type | lower %}
        {% if contract_type in ('timestamp', 'date') %}
            {{ return('case when isfinite(' ~ delivered ~ ') then ' ~ delivered ~ ' end') }}
        {% endif %}
        {{ return(delivered) }}
    {% elif contract_type in ('timestamp', 'date') and is_moment %}
        {% set utc = "timezone('UTC', " ~ delivered ~ ")" if delivered_type == 'TIMESTAMP WITH TIME ZONE' else delivered %}
        {{ return('case when isfinite(' ~ delivered ~ ') then cast(' ~ utc ~ ' as ' ~ contract_type ~ ') end') }}
    {% elif contract_type.startswith('decimal') and delivered_type != 'VARCHAR' %}
        {{ return('try_cast(' ~ delivered ~ ' as ' ~ contract_type ~ ')') }}
    {% endif %}
    {{ return(value_of_text(delivered if delivered_type == 'VARCHAR' else 'cast(' ~ delivered ~ ' as varchar)', contract_type)) }}
{% endmacro %}

{# The raw contract's grammar of text. An offset is minutes east of UTC, and is taken off. #}
{% macro value_of_text(text, contract_type) %}
    {% if contract_type == 'timestamp' %}
        {% set offset = "regexp_extract(" ~ text ~ ", '[+-]\\d\\d(:?\\d\\d)?$')" %}
        {{ return(
            "case when regexp_full_match(" ~ text ~ ", '" ~ local_time_pattern() ~ "( ?(Z|UTC))?') then try_cast(rtrim(" ~ text ~ ", ' ZUTC') as timestamp)"
            ~ " when regexp_full_match(" ~ text ~ ", '" ~ local_time_pattern() ~ " ?[+-]([01]\\d|2[0-3])(:?[0-5]\\d)?')"
            ~ " then try_cast(rtrim(left(" ~ text ~ ", -length(" ~ offset ~ "))) as timestamp) - to_minutes(try_cast(left(" ~ offset ~ ", 1) || '1' as integer)"
            ~ " * (60 * try_cast(substr(" ~ offset ~ ", 2, 2) as integer)"
            ~ " + case when length(" ~ offset ~ ") > 3 then try_cast(right(" ~ offset ~ ", 2) as integer) else 0 end)) end"
        ) }}
    {% elif contract_type == 'date' %}
        {{ return("case when regexp_full_match(" ~ text ~ ", '\\d{4}-\\d\\d-\\d\\d') then try_cast(" ~ text ~ " as date) end") }}
    {% elif contract_type == 'boolean' %}
        {{ return(
            "case when lower(" ~ text ~ ") in ('true', 't', 'yes', '1') then true"
            ~ " when lower(" ~ text ~ ") in ('false', 'f', 'no', '0') then false end"
        ) }}
    {% endif %}
    {{ return(
        "case when regexp_full_match(" ~ text ~ ", '[+-]?(\\d+[.]?\\d*|[.]\\d+)') then try_cast(" ~ text ~ " as " ~ contract_type ~ ") end"
    ) }}
{% endmacro %}

{# A date and a time without offset. #}
{% macro local_time_pattern() %}
    {{ return('\\d{4}-\\d\\d-\\d\\d[T ]([01]\\d|2[0-3]):[0-5]\\d(:[0-5]\\d([.]\\d+)?)?') }}
{% endmacro %}
