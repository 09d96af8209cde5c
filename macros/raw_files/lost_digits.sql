{# Warns of whole numbers that a floating-point column of ids cannot hold: from there on neighbours become one number, so that two ids may
   have become one in the file. #}
{% macro warn_of_lost_digits(table, reader) %}
    {% for column in table.columns.values() %}
        {% set limit = {'DOUBLE': 2 ** 53, 'FLOAT': 2 ** 24}.get(reader.columns.get(column.name)) %}
        {% if limit and column.data_type == 'text' %}
            {% set name = '"' ~ column.name ~ '"' %}
            {% set count, example = fetch_rows(
                'select count(*), min(' ~ digits_of(name) ~ ') from ' ~ reader.sql
                ~ ' where (' ~ name ~ ' >= ' ~ limit ~ ' or ' ~ name ~ ' <= -' ~ limit ~ ') and isfinite(' ~ name ~ ')'
            )[0] %}
            {% if count %}
                {% do exceptions.warn(
                    table.name ~ '.' ~ column.name ~ ' holds ' ~ count ~ ' numbers, such as ' ~ example ~ ', as ' ~ reader.columns[column.name]
                    ~ ', which keeps every digit up to ' ~ limit ~ ' alone: different ids may have become one. Export the column as text or as whole numbers.'
                ) %}
            {% endif %}
        {% endif %}
    {% endfor %}
{% endmacro %}

{# A floating-point number as text: whole ones in digits, without `.0` and without an exponent. One that is no number is none. #}
{% macro digits_of(number) %}
    {{ return(
        'case when isfinite(' ~ number ~ ') then case when ' ~ number ~ ' = trunc(' ~ number ~ ") then format('{:.0f}', " ~ number
        ~ ' + 0) else cast(' ~ number ~ ' as varchar) end end'
    ) }}
{% endmacro %}
