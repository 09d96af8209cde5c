"""How the values of a column are written, told by the values themselves, and the SQL that gives them the strict form.

A column is looked at as a whole. Where at least half of its values have the strict form, it is left as it is: what is
odd in it is rejected by staging, with its raw text. Else the form that explains its values is taken, and a value that
does not fit it stays as it is. Where two forms explain all of them, nothing is guessed: the run stops with a question.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ecommerce_segments import CannotDo

# The orders of dates that a setting may name, and how this module calls them.
ORDERS = {"day/month/year": "dmy", "month/day/year": "mdy", "year-month-day": "ymd"}
DATES = ('dates = "day/month/year"', 'dates = "month/day/year"')
# Blanks that spreadsheets put between groups of digits, and before AM and PM.
BLANKS = "\u00a0\u2007\u2009\u202f"

STRICT_NUMBER = r"[+-]?(\d+[.]?\d*|[.]\d+)"
STRICT_DATE = r"\d{4}-\d\d-\d\d"
STRICT_TIMESTAMP = (
    STRICT_DATE + r"[T ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.]\d+)?)?( ?(Z|UTC|[+-]([01]\d|2[0-3])(:?[0-5]\d)?))?"
)

# Thousands in groups: by a blank or an apostrophe everywhere, and by the sign that parts no decimals. India parts the
# digits above the last three by twos. A group never begins with 0, so that 0,125 is no thousand.
BLANK_GROUPS = r"[1-9]\d{0,2}(?:[ '’]\d{3})+"
NUMBERS = {
    ".": rf"(?:\d+|[1-9]\d{{0,2}}(?:,\d{{3}})+|[1-9]\d?(?:,\d\d)*,\d{{3}}|{BLANK_GROUPS})(?:[.]\d*)?|[.]\d+",
    ",": rf"(?:\d+|[1-9]\d{{0,2}}(?:[.]\d{{3}})+|{BLANK_GROUPS})(?:,\d*)?|,\d+",
}
CURRENCY = r"(?:[A-Z]{1,3}\p{Sc}|[A-Z]{3}|\p{Sc}|kr[.]?|Kr[.]?|zł|Kč|Ft|Fr[.]?|Rs[.]?|lei|лв[.]?|руб[.]?)"
MINUS = "[+−-]"

MOMENT = (
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}"
    r"((,? +|T)\d{1,2}:[0-5]\d(:[0-5]\d([.]\d+)?)?( ?[AaPp][.]?[Mm][.]?)?( ?(Z|UTC|[+-]\d\d(:?\d\d)?))?)?"
)
# One pattern for all parts would take five times as long.
DATE_PARTS = (r"^(\d{1,4})[./-](\d{1,2})[./-](\d{1,4})", ("first", "second", "third"))
TIME_PARTS = (r"[, T](\d+)(:[\d:.]*)(.*)$", ("hour", "minutes", "rest"))
HALF = r"^ ?[AaPp][.]?[Mm][.]?"
SCIENTIFIC = r"[+-]?\d([.,]\d+)?[eE][+]\d+"
# More dates of the rarer order than one in so many, and a column holds both.
ONE_ORDER = 20


@dataclass(frozen=True)
class Column:
    """A column of a file that was declared, by its place there. kind: number, date, timestamp, id, text or other."""

    name: str
    kind: str
    number: int

    @property
    def delivered(self) -> str:
        """The name of its text, as the file has it, in SQL."""
        return f"c{self.number}"

    @property
    def text(self) -> str:
        """The name of its text without blanks around it, null where it is empty, in `looked_at`."""
        return f"t{self.number}"

    def flag(self, name: str) -> str:
        """The name of what is asked of each value, in `counted`."""
        return f"{name}{self.number}"

    @property
    def date(self) -> str:
        """The name of the parts of its date, in `looked_at`."""
        return f"d{self.number}"

    @property
    def time(self) -> str:
        """The name of the parts of its time, in `looked_at`."""
        return f"h{self.number}"


@dataclass
class Written:
    """How the columns of a file are written: `sql` gives a column that is not strict the strict form, by its name;
    `said` are the words for people."""

    sql: dict[str, str] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    def say(self, words: str) -> None:
        """Say something of the file once."""
        if words not in self.said:
            self.said.append(words)


class Unclear(CannotDo):
    """What a column leaves open or has lost, in a sentence that follows the file's name. answers: the lines of settings
    that tell."""

    def __init__(self, sentence: str, *answers: str):
        super().__init__(sentence)
        self.answers = answers


def looked_at(columns: list[Column], source: str) -> str:
    """The SQL of the rows of a source with the text of each column, and the parts of dates, as `Column` names them."""
    texts, parts = ["*"], ["*"]
    for column in columns:
        # Most values are spared what takes time: trimming, and the blanks that are no ASCII.
        delivered = column.delivered
        ends = [f"suffix({delivered}, {blank})" for blank in ("' '", "e'\\t'", "e'\\r'", "e'\\n'")]
        is_plain = f"{delivered} >= '!' and not ({' or '.join(ends)})"
        text = delivered
        if column.kind not in ("id", "text"):
            is_plain += f" and strlen({delivered}) = length({delivered})"
            text = f"translate({delivered}, '{BLANKS}', '{' ' * len(BLANKS)}')"
        trimmed = f"nullif(trim({text}, e' \\t\\r\\n'), '')"
        texts.append(f"case when {is_plain} then {delivered} else {trimmed} end as {column.text}")
        if column.kind in ("date", "timestamp"):
            fitting = f"case when {full_match(column.text, MOMENT)} then {column.text} end"
            for name, (pattern, groups) in ((column.date, DATE_PARTS), (column.time, TIME_PARTS)):
                parts.append(f"regexp_extract({fitting}, '{pattern}', {list(groups)}) as {name}")
    return f"(select {', '.join(parts)} from (select {', '.join(texts)} from {source}))"


def kind_of(name: str, data_type: str) -> str:
    """What the values of a declared column are: number, date, timestamp, id, text or other."""
    if data_type.startswith(("decimal", "numeric", "double", "float", "real", "int", "bigint", "smallint")):
        return "number"
    if data_type.startswith("timestamp"):
        return "timestamp"
    if data_type in ("text", "varchar", "string", "character varying"):
        return "id" if re.search(r"(^|[^a-z])id$", name.lower()) else "text"
    return "date" if data_type == "date" else "other"


def counted(columns: list[Column], source: str) -> tuple[str, list[list[str]]]:
    """The SQL of one row with counts that tell how columns are written, and for each column the counts' names in that
    order. source: the SQL of the rows."""
    flags, counts, names = [], [], []
    for column in columns:
        basic, combined, example = flags_of(column)
        flags += [column.text, *(f"{sql} as {column.flag(name)}" for name, sql in basic.items())]
        conditions = {name: column.flag(name) for name in basic} | combined
        counts += [
            f"count({column.text})",
            *(f"count(*) filter ({condition})" for condition in conditions.values()),
            *(f"min({column.text}) filter ({conditions[name]})" for name in example),
        ]
        names.append(["filled", *conditions, *(f"example_{name}" for name in example)])
    # What is asked several times is computed once, in a query of its own.
    rows = f"(select {', '.join(flags)} from {looked_at(columns, source)})"
    return f"select {', '.join(counts)} from {rows}", names


def flags_of(column: Column) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """What is asked of each value of a column, what of these answers together, and of what an example is wanted."""
    text, flag = column.text, column.flag
    if column.kind == "number":
        basic = {
            "strict": full_match(text, STRICT_NUMBER),
            "as_point": fits_number(text, "."),
            "as_comma": fits_number(text, ","),
            "currency": f"regexp_matches({text}, '[\\p{{L}}\\p{{Sc}}]')",
            "thousands": f"regexp_matches({text}, '\\d[ \'\'’]\\d|\\d[.,]\\d+[.,]')",
            "minus": f"regexp_matches({text}, '^[(]|\\d.*[−-]$')",
        }
        either, both = (f"({flag('as_point')} {word} {flag('as_comma')})" for word in ("or", "and"))
        return basic, {
            "point": f"{flag('as_point')} and not {flag('as_comma')}",
            "comma": f"{flag('as_comma')} and not {flag('as_point')}",
            "open": f"{both} and contains({text}, ',')",
            "dotted": f"{both} and contains({text}, '.')",
            "fitting": either,
            **{name: f"{either} and {flag(name)}" for name in ("currency", "thousands", "minus")},
        }, ["open"]
    if column.kind in ("date", "timestamp"):
        basic = {
            "strict": is_strict_moment(column),
            **{order: is_moment(column, order) for order in ORDERS.values()},
            "differing": f"{column.date}.first <> {column.date}.second",
        }
        return basic, {
            "day_first": f"{flag('dmy')} and not {flag('mdy')}",
            "month_first": f"{flag('mdy')} and not {flag('dmy')}",
            "open": f"{flag('dmy')} and {flag('mdy')} and {flag('differing')}",
            "short_hours": f"{flag('ymd')} and regexp_matches({text}, '[T ]\\d:')",
            "long_hours": f"{flag('strict')} and regexp_matches({text}, '[T ]0\\d:')",
        }, ["open", "dmy"]
    basic = {"apostrophe": f"regexp_matches({text}, '{apostrophes(column)}')"}
    if column.kind == "id":
        basic |= {
            "scientific": full_match(text, SCIENTIFIC),
            "whole": full_match(text, r"[+-]?\d+([.]0+)?"),
            "float": full_match(text, r"[+-]?\d+[.]0+"),
        }
    return basic, {}, ["scientific"] if column.kind == "id" else []


def judge(columns: list[tuple[Column, dict]], settings: Mapping[str, str], separator: str) -> Written:
    """How the columns of a file are written, by the counts of each. settings: `decimal` and `dates`, where they are
    said.

    Raises Unclear where the values leave it open, and where digits are lost.
    """
    written = Written()
    numbers = [(column, found) for column, found in columns if column.kind == "number"]
    judge_numbers(numbers, settings.get("decimal"), separator, written)
    for column, found in columns:
        if column.kind in ("date", "timestamp") and (order := order_of_dates(column, found, settings.get("dates"))):
            is_odd = f"not {is_strict_moment(column)} and {is_moment(column, order)}"
            written.sql[column.name] = f"case when {is_odd} then {moment(column, order)} else {column.text} end"
            words = {"dmy": "dates day/month/year", "mdy": "dates month/day/year"}
            written.say(words.get(order) or "dates not as 2026-06-30 14:05")
        if column.kind in ("id", "text"):
            judge_text(column, found, written)
    return written


def judge_numbers(columns: list[tuple[Column, dict]], said: str | None, separator: str, written: Written) -> None:
    """The decimal sign of each column of numbers. One that does not tell by itself is written as the others of its file
    are; where values are parted by semicolons, that is because a comma parts decimals."""
    signs = {column.name: said or decimal_sign(found) for column, found in columns}
    told = {signs[column.name] for column, found in columns if found["point"] or found["comma"]} - {None, "?"}
    of_the_file = told.copy().pop() if len(told) == 1 else "," if not told and separator == ";" else None
    for column, found in columns:
        sign = signs[column.name]
        if sign == "?" and not (sign := of_the_file):
            raise Unclear(
                f"{column.name} holds numbers such as {found['example_open']}: does the comma part thousands, or"
                " decimals?",
                'decimal = "."',
                'decimal = ","',
            )
        has_commas = found["comma"] or found["open"] or (found["dotted"] and (told or said))
        if not sign and of_the_file == "," and has_commas and not found["point"]:
            sign = ","
        if not sign or not (found["fitting"] > found["strict"] or (sign == "," and has_commas)):
            continue
        value = number(column.text, sign)
        written.sql[column.name] = f"case when {fits_number(column.text, sign)} then {value} else {column.text} end"
        for is_so, words in (
            (sign == "," and (found["comma"] or found["open"]), "decimal comma"),
            (found["thousands"] or found["open" if sign == "." else "dotted"], "thousands separators"),
            (found["currency"], "currency signs"),
            (found["minus"], "negatives as (5) or 5-"),
        ):
            if is_so:
                written.say(words)


def decimal_sign(found: dict) -> str | None:
    """The sign before decimals of a column that is not strict, `?` where its values leave it open, or None where the
    column is strict, or cannot be read in any form."""
    if 2 * found["strict"] >= found["filled"] or not found["fitting"]:
        return None
    if found["point"] != found["comma"]:
        return "." if found["point"] > found["comma"] else ","
    return "?" if found["open"] else "."


def order_of_dates(column: Column, found: dict, said: str | None) -> str | None:
    """The order of day, month and year of a column whose dates are not strict, else None. said: the setting.

    Raises Unclear where it is open, or where the column holds both.
    """
    if found["strict"] == found["filled"]:
        return None
    if said:
        return ORDERS[said]
    if 2 * found["strict"] >= found["filled"]:
        return "ymd" if found["short_hours"] > found["long_hours"] else None
    if found["ymd"] - found["strict"] >= max(found["dmy"], found["mdy"]):
        return "ymd" if found["ymd"] > found["strict"] else None
    example = found["example_open"] or found["example_dmy"]
    fewer, more = sorted((found["day_first"], found["month_first"]))
    if fewer * ONE_ORDER > more:
        raise Unclear(
            f"{column.name} holds dates such as {example}, some with the day first and some with the month:"
            " which of them are right? The others will be rejected.",
            *DATES,
        )
    if not more and found["open"]:
        raise Unclear(
            f"{column.name} holds dates such as {example}, and none of a day after the 12th: does the day come first,"
            " or the month?",
            *DATES,
        )
    return "mdy" if found["month_first"] > found["day_first"] else "dmy"


def judge_text(column: Column, found: dict, written: Written) -> None:
    """Apostrophes that a spreadsheet put before digits, and ids that became numbers. Raises Unclear where such an id
    has lost digits."""
    if found.get("scientific"):
        raise Unclear(
            f"{column.name} holds ids in scientific notation, such as {found['example_scientific']}, whose last digits"
            " are lost: export the column again, as text."
        )
    if found.get("float") and found["whole"] == found["filled"]:
        written.sql[column.name] = f"regexp_replace({column.text}, '[.]0+$', '')"
        written.say(f"{column.name} as 17.0 for 17")
    if found["apostrophe"]:
        written.sql[column.name] = f"regexp_replace({column.text}, '{apostrophes(column)}', '\\1')"
        written.say(f"apostrophes before {column.name}")


def apostrophes(column: Column) -> str:
    """The pattern, in SQL, of an apostrophe that a spreadsheet put before a value: before anything in ids, else before
    digits, as names begin with apostrophes too."""
    return "^''([^'']+)$" if column.kind == "id" else r"^''([+]?\d[\d ()./-]*)$"


def full_match(text: str, pattern: str) -> str:
    """The SQL for whether a text has a pattern as a whole."""
    return f"coalesce(regexp_full_match({text}, '{pattern.replace(chr(39), chr(39) * 2)}'), false)"


def amount(sign: str) -> str:
    """The pattern of a number with all that may stand around it; its group is the number itself."""
    before = f"(?:{MINUS}? *(?:{CURRENCY} *)?|{CURRENCY} *{MINUS} *)"
    return f"{before}({NUMBERS[sign]})(?: *{CURRENCY})?(?: *[−-])?"


def fits_number(text: str, sign: str) -> str:
    """The SQL for whether a text is a number with this decimal sign."""
    return full_match(text, f"{amount(sign)}|[(] *{amount(sign)} *[)]")


def number(text: str, sign: str) -> str:
    """The SQL of such a number in the strict form."""
    pattern = f"^[(]? *{amount(sign)} *[)]?$".replace("'", "''")
    grouping = {".": "[, ''’]", ",": "[. ''’]"}[sign]
    digits = f"regexp_replace(regexp_extract({text}, '{pattern}', 1), '{grouping}', '', 'g')"
    return f"case when regexp_matches({text}, '[(−-]') then '-' else '' end || replace({digits}, ',', '.')"


def is_strict_moment(column: Column) -> str:
    """The SQL for whether a date or a timestamp has the strict form."""
    return full_match(column.text, STRICT_DATE if column.kind == "date" else STRICT_TIMESTAMP)


def is_moment(column: Column, order: str) -> str:
    """The SQL for whether a text is a date, with a time or without, in this order."""
    year, month, day = date_parts(column, order)
    date = f"try_cast({year} || '-' || {month} || '-' || {day} as date)"
    is_date = f"length({year}) = 4 and length({day}) <= 2 and {date} is not null"
    if column.kind == "date":
        return f"({is_date})"
    hour = f"try_cast({column.time}.hour as integer)"
    is_hour = f"case when {column.time}.rest ~ '{HALF}.*' then {hour} between 1 and 12 else {hour} < 24 end"
    return f"({is_date} and ({column.time}.hour = '' or {is_hour}))"


def moment(column: Column, order: str) -> str:
    """The SQL of such a text in the strict form. A date alone is midnight; of a time in a column of dates the date is
    taken."""
    year, month, day = date_parts(column, order)
    date = f"{year} || '-' || lpad({month}, 2, '0') || '-' || lpad({day}, 2, '0')"
    if column.kind == "date":
        return date
    rest = f"{column.time}.rest"
    afternoon = f"case when lower(left(ltrim({rest}), 1)) = 'p' then 12 else 0 end"
    hour = (
        f"case when {rest} ~ '{HALF}.*' then cast(cast({column.time}.hour as integer) % 12 + {afternoon} as varchar)"
        f" else {column.time}.hour end"
    )
    time = f"lpad({hour}, 2, '0') || {column.time}.minutes || regexp_replace({rest}, '{HALF}', '')"
    return f"{date} || ' ' || case when {column.time}.hour = '' then '00:00' else {time} end"


def date_parts(column: Column, order: str) -> list[str]:
    """The SQL of year, month and day of a date in an order."""
    return [f"{column.date}.{DATE_PARTS[1][order.index(letter)]}" for letter in "ymd"]
