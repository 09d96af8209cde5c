{# A warehouse keeps the as-of date of each model that depends on it, in a table. A run that would read what was built as of another
   date is refused, as its rows would be wrong in silence: a segment of customers of yesterday, say. What a run does not come to (it
   fails, or is killed) has no date, until a later run builds it. #}
{% macro refuse_another_date() %}
    {% if execute and flags.WHICH in ['build', 'run'] %}
        {% set dates = dates_of_models() %}
        {% set outdated = [] %}
        {% for id in selected_resources if has_a_date(id) %}
            {% for parent in graph.nodes[id].depends_on.nodes if has_a_date(parent) and parent not in selected_resources %}
                {% set date = dates.get(parent) %}
                {% if date != as_of_day() | string %}
                    {% set model = graph.nodes[id].name %}
                    {% do exceptions.raise_compiler_error(
                        model ~ ' is to be built as of ' ~ as_of_day() ~ ', but ' ~ graph.nodes[parent].name ~ ', which it reads, is '
                        ~ ('of ' ~ date ~ ': set the var as_of_date to ' ~ date ~ ', or build' if date else 'not built by a run that ended: build')
                        ~ ' what it reads too (--select +' ~ model ~ ').'
                    ) %}
                {% endif %}
            {% endfor %}
            {% if dates.get(id, as_of_day() | string) != as_of_day() | string %}
                {% do outdated.append(id) %}
            {% endif %}
        {% endfor %}
        {% if outdated %}
            {% do run_at_once('delete from ' ~ table_of_dates() ~ " where model in ('" ~ outdated | join("', '") ~ "')") %}
        {% endif %}
    {% endif %}
{% endmacro %}

{# At the end of a run: what it has built is of its date. #}
{% macro note_date(results) %}
    {% if execute and flags.WHICH in ['build', 'run'] %}
        {% set dates = dates_of_models() %}
        {% set rows = [] %}
        {% for result in results if result.status == 'success' and has_a_date(result.node.unique_id) and result.node.unique_id not in dates %}
            {% do rows.append("select '" ~ result.node.unique_id ~ "' as model, " ~ as_of_date() ~ ' as as_of_date') %}
        {% endfor %}
        {% if rows %}
            {% set table = table_of_dates() %}
            {% do adapter.create_schema(table) %}
            {% do run_at_once(
                'create table if not exists ' ~ table ~ ' (model ' ~ dbt.type_string() ~ ', as_of_date date)' ~ table_format()
            ) %}
            {% do run_at_once('insert into ' ~ table ~ ' ' ~ rows | join(' union all ')) %}
        {% endif %}
    {% endif %}
{% endmacro %}

{% macro has_a_date(id) %}
    {{ return(
        (id.startswith('model.ecommerce_segments.') and graph.nodes[id].fqn[1] in ['intermediate', 'traits', 'marts'])
        or ('.seg_' in id and id in segments_of_others())
    ) }}
{% endmacro %}

{% macro table_of_dates() %}
    {% set beside = graph.nodes['model.ecommerce_segments.int_customers'] %}
    {{ return(api.Relation.create(database=beside.database, schema=beside.schema, identifier='dates_of_models')) }}
{% endmacro %}

{# {id of a model: as-of date, as text}. #}
{% macro dates_of_models() %}
    {% set table = table_of_dates() %}
    {% set dates = {} %}
    {% if adapter.get_relation(table.database, table.schema, table.identifier) %}
        {% for model, date in run_query('select model, as_of_date from ' ~ table).rows %}
            {% do dates.update({model: date | string}) %}
        {% endfor %}
    {% endif %}
    {{ return(dates) }}
{% endmacro %}
