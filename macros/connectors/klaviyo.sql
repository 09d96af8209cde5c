{# The names of the entries of Klaviyo that feed a raw table, as a list in SQL. #}
{% macro klaviyo_entries(table) %}
    {% set names = [] %}
    {% for entry in entries_of('klaviyo') if table in entry.tables %}
        {% do names.append("'" ~ entry.name ~ "'") %}
    {% endfor %}
    {{ return(names | join(', ')) }}
{% endmacro %}
