{# The right name that someone who wrote `name` most probably meant, or none where more than a third of the letters differ. Case and signs do not count, and a name
   with a slash, such as Europe/Berlin, may lack what stands before it. #}
{% macro nearest_name(name, names) %}
    {% set found = [] %}
    {% set letters = bare_letters(name) %}
    {% for candidate in names %}
        {% for part in [candidate, candidate.split('/')[-1]] | unique %}
            {% set candidate_letters = bare_letters(part) %}
            {% set distance = letters_apart(letters, candidate_letters) %}
            {% if 3 * distance <= [letters | length, candidate_letters | length] | max %}
                {% do found.append([distance, candidate]) %}
            {% endif %}
        {% endfor %}
    {% endfor %}
    {{ return((found | sort | first)[1] if found else none) }}
{% endmacro %}

{% macro bare_letters(name) %}
    {{ return(modules.re.sub('[^a-z0-9]', '', name | lower)) }}
{% endmacro %}

{# How many letters must be added, left out or replaced to make one text of another (Levenshtein). #}
{% macro letters_apart(one, other) %}
    {% set rows = [range(other | length + 1) | list] %}
    {% for letter in one %}
        {% set row = [loop.index] %}
        {% for other_letter in other %}
            {% do row.append([row[-1] + 1, rows[-1][loop.index] + 1, rows[-1][loop.index0] + (letter != other_letter) | int] | min) %}
        {% endfor %}
        {% do rows.append(row) %}
    {% endfor %}
    {{ return(rows[-1][-1]) }}
{% endmacro %}

{# The end of a sentence that refuses a name. #}
{% macro did_you_mean(name, names) %}
    {% set nearest = nearest_name(name, names) %}
    {{ return(': did you mean ' ~ nearest ~ '?' if nearest else '.') }}
{% endmacro %}
