"""The settings of a shop, checked before anything else is done: those of dbt_project.yml, and what a shop changes of
them."""

import codecs
import re
from collections.abc import Callable
from datetime import date
from difflib import get_close_matches

import pytz
import yaml

from ecommerce_segments import PROJECT, CannotDo
from ecommerce_segments.raw_contract import raw_contract

# What raw_tables may say of a table.
PLACES = ["database", "schema", "identifier", "model"]
EXAMPLE = "VARS='{shop_timezone: Europe/Madrid, reporting_currency: EUR}'"


class SettingsError(CannotDo):
    """What is wrong with a setting, and what to do, in a sentence."""


def defaults() -> dict:
    """The vars of dbt_project.yml, by name."""
    return yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]


def given_settings(text: str, where: str = "VARS") -> dict:
    """What VARS or --set change, by name. text: YAML, or nothing; where: it stands.

    Raises SettingsError where it is no map, or names what is no setting.
    """
    try:
        given = yaml.safe_load(text) or {}
    except ValueError:
        # A date that there is not, such as 2026-02-30: as text it is refused by its setting's name.
        given = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        raise SettingsError(
            f"{where} cannot be read as YAML ({' '.join(str(getattr(error, 'problem', error)).split())}). Write a map"
            f" in quotes: {EXAMPLE}"
        ) from None
    if not isinstance(given, dict):
        raise SettingsError(f"{where} is {text!r}, but must be a map of settings: {EXAMPLE}")
    known = defaults()
    for name in given:
        refuse_unknown(str(name), known, where)
    return given


def refuse_unknown(name: str, known: dict, where: str = "VARS") -> None:
    """Raise SettingsError for a name that is no setting, with the nearest one. where: it stands."""
    if name in known:
        return
    begins = name.partition(":")[0]
    if begins in known:
        raise SettingsError(f"{where} names {name}: in YAML a blank follows the colon. Write VARS='{{{begins}: ...}}'")
    raise SettingsError(
        f"{where} names {name}, which is no"
        f" setting{did_you_mean(name, list(known)) or ': dbt_project.yml has them all.'}"
    )


def check_settings(settings: dict) -> None:
    """Raise SettingsError for the first of these settings, by name, that has no meaning."""
    for name, (is_right, what) in KINDS.items():
        if name in settings and not is_right(settings[name]):
            raise SettingsError(f"{name} is '{settings[name]}', but must be {what}.")
    check_files(settings.get("files") or {})
    check_column_names(settings.get("column_names") or {})
    for name, zone in zones(settings):
        if zone not in pytz.all_timezones:
            raise SettingsError(
                f"{name} is '{zone}', which is no IANA time zone{nearest_zone(zone) or ', such as Europe/Berlin.'}"
            )
    for table, place in (settings.get("raw_tables") or {}).items():
        refuse_no_raw_table("raw_tables", table)
        for key in place:
            if key not in PLACES:
                raise SettingsError(f"raw_tables names '{key}' for {table}, which is none of {', '.join(PLACES)}"
                                    f"{did_you_mean(key, PLACES) or '.'}")


def refuse_no_raw_table(setting: str, table: str) -> None:
    """Raise SettingsError where a setting names a table that is not in the raw contract, with the nearest one."""
    tables = list(raw_contract())
    if table not in tables:
        raise SettingsError(f"{setting} names '{table}', which is no raw table"
                            f"{did_you_mean(table, tables) or ': docs/raw_contract.md has them all.'}")


def zones(settings: dict) -> list[tuple[str, str]]:
    """The settings that are time zones: names and values. Local times have one zone, or one for each table."""
    named = [("shop_timezone", settings["shop_timezone"])]
    local = settings.get("naive_timestamps")
    if isinstance(local, dict):
        for table in local:
            refuse_no_raw_table("naive_timestamps", table)
        return named + [(f"naive_timestamps of {table}", zone) for table, zone in local.items()]
    return named + ([("naive_timestamps", local)] if local else [])


def check_files(files: dict[str, dict]) -> None:
    """Raise SettingsError where `files` names what is no raw table, or says something of one that has no meaning."""
    for table, said in files.items():
        refuse_no_raw_table("files", table)
        for name, value in said.items():
            if name not in FILES:
                raise SettingsError(
                    f"files.{table} names {name}, which is nothing that can be said of a file"
                    f"{did_you_mean(name, list(FILES)) or ': ' + ', '.join(FILES) + '.'}"
                )
            is_right, what = FILES[name]
            if not is_right(value):
                raise SettingsError(f"files.{table}.{name} is {value!r}, but must be {what}.")


def check_column_names(column_names: dict[str, dict]) -> None:
    """Raise SettingsError where `column_names` names what is no raw table, or no column of it."""
    for table, names in column_names.items():
        refuse_no_raw_table("column_names", table)
        columns = list(raw_contract()[table])
        for column, name in names.items():
            if column not in columns:
                raise SettingsError(
                    f"column_names.{table} names {column}, which is no column of the table"
                    f"{did_you_mean(column, columns) or ': docs/raw_contract.md has them all.'}"
                )
            if not TEXT[0](name):
                where = f"column_names.{table}.{column}"
                raise SettingsError(f"{where} is {name!r}, but must be a column's name in quotes.")


def nearest_zone(zone: str) -> str:
    """Of Berlin or Europe/Berln: `: did you mean Europe/Berlin?`. Nothing where none is near."""
    cities = {name.rpartition("/")[2].lower(): name for name in sorted(pytz.common_timezones, reverse=True)}
    asked = str(zone).strip().replace(" ", "_").lower()
    return did_you_mean(zone, pytz.common_timezones) or (f": did you mean {cities[found[0]]}?" if (
        found := get_close_matches(asked.rpartition("/")[2], cities, n=1, cutoff=0.75)) else "")


def did_you_mean(wrong: object, right: list[str]) -> str:
    """`: did you mean as_of_date?` for the name that is nearest, or nothing."""
    found = get_close_matches(str(wrong), right, n=1, cutoff=0.75)
    return f": did you mean {found[0]}?" if found else ""


def is_date(value: object) -> bool:
    """Whether a value is a date, or a text YYYY-MM-DD of one that there is."""
    if type(value) is date:
        return True
    try:
        return isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value) and date.fromisoformat(value))
    except ValueError:
        return False


def is_number(least: float, most: float = float("inf")) -> Callable[[object], bool]:
    """A check for numbers from the least to the most."""
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def is_whole(least: int) -> Callable[[object], bool]:
    """A check for whole numbers from the least on."""
    return lambda value: type(value) is int and value >= least


def is_list_of_maps(value: object) -> bool:
    """Whether a value is a list of entries, or null."""
    return value is None or (isinstance(value, list) and all(isinstance(entry, dict) for entry in value))


def is_map_of_maps(value: object) -> bool:
    """Whether a value is a map of tables to maps."""
    return isinstance(value, dict) and all(isinstance(place, dict) for place in value.values())


def is_encoding(value: object) -> bool:
    """Whether Python knows an encoding of text by this name."""
    try:
        return isinstance(value, str) and codecs.lookup(value)._is_text_encoding
    except LookupError:
        return False


def is_one_of(*values: str) -> tuple[Callable[[object], bool], str]:
    """A check for these texts, with what must be."""
    return lambda value: value in values, f"{', '.join(values[:-1])} or {values[-1]}"


FROM_0, FROM_1 = (is_whole(0), "a whole number from 0 on"), (is_whole(1), "a whole number from 1 on")
SHARE = (is_number(0, 1), "a number from 0 to 1")
FLAG = (lambda value: isinstance(value, bool), "true or false")
ENTRIES = (is_list_of_maps, "a list of entries")
TEXT = (lambda value: isinstance(value, str) and bool(value.strip()), "a text")
TEXTS = (
    lambda value: isinstance(value, list) and all(isinstance(entry, str) for entry in value),
    "a list of texts, in quotes where YAML reads a number",
)

# Of each setting, whether a value has a meaning, and what it must be. Time zones are looked up besides.
KINDS = {
    "as_of_date": (lambda value: value is None or is_date(value), "a date of the form YYYY-MM-DD"),
    "shop_timezone": TEXT,
    "naive_timestamps": (
        lambda value: value is None or isinstance(value, str | dict),
        "a time zone, or a map of tables to time zones",
    ),
    "reporting_currency": TEXT,
    "max_accounts_per_email": FROM_1,
    "junk_ids": TEXTS,
    "rfm_window_days": FROM_1,
    "rfm_method": (lambda value: value in ("quintiles", "cut_points"), "quintiles or cut_points"),
    "rfm_min_buyers": FROM_0,
    "min_gap_days": FROM_1,
    "typical_gap_days": FROM_1,
    "at_risk_after_gaps": (is_number(0), "a number from 0 on"),
    "inactive_after_gaps": (is_number(0), "a number from 0 on"),
    "inactive_after_days": FROM_1,
    "min_known_cost_share": SHARE,
    "attribution_window_days": FROM_1,
    "attribution_half_life_days": (lambda value: is_number(0)(value) and value > 0, "a number above 0"),
    "direct_channels": TEXTS,
    "email_attribution_days": FROM_1,
    "affinity_max_products": FROM_1,
    "affinity_min_buyers": FROM_1,
    "gateway_min_buyers": FROM_1,
    "replenishment_min_gaps": FROM_1,
    "prediction_min_repeat_buyers": FROM_0,
    "discount_rate_per_year": (is_number(0), "a number from 0 on"),
    "min_arm_customers": FROM_0,
    "min_arm_buyers": FROM_0,
    "message_plan": TEXT,
    "max_emails_7d": FROM_1,
    "global_holdout_percent": (is_number(0, 50), "a number from 0 to 50"),
    "journeys": (is_map_of_maps, "a map of journeys to due_days, reentry and exit_on_purchase"),
    "max_rejected_share": SHARE,
    "max_rejected_rows": FROM_0,
    "max_days_without_orders": (lambda value: value is None or is_whole(0)(value), "a whole number from 0 on, or null"),
    "alerts_fail_from": is_one_of("never", "error", "warning"),
    "max_days_without_prices": (lambda value: value is None or is_whole(0)(value), "a whole number from 0 on, or null"),
    "incremental_staging": FLAG,
    "incremental_lookback_days": FROM_0,
    "history_months_at_first_build": FROM_0,
    "published_versions_kept": FROM_1,
    "publish_contact_data": FLAG,
    "require_ads_consent": FLAG,
    "custom_traits": ENTRIES,
    "own_traits": ENTRIES,
    "traits": ENTRIES,
    "own_segments": ENTRIES,
    "segments": ENTRIES,
    "connectors": (lambda value: isinstance(value, dict | list), "a list of names, or a map of entries"),
    "connector_tables": (lambda value: isinstance(value, dict), "a map of connectors to the tables that they feed"),
    "read_raw_files": FLAG,
    "raw_database": (lambda value: value is None or TEXT[0](value), "a text, or null"),
    "raw_schema": TEXT,
    "raw_tables": (is_map_of_maps, "a map of tables to where they are, such as {orders: {schema: sales}}"),
    "files": (is_map_of_maps, "a map of tables to how their files are written, such as {orders: {decimal: ','}}"),
    "column_names": (is_map_of_maps, "a map of tables to names of columns, such as {orders: {order_id: Order No}}"),
}

# What `files` may say of a table, in the same way.
FILES = {
    "separator": (lambda value: value in (",", ";", "\t", "|"), 'one of "," ";" "|" and "\\t", which is a tab'),
    "encoding": (is_encoding, 'an encoding that Python knows, such as "windows-1252"'),
    "decimal": (lambda value: value in (".", ","), '"." or ","'),
    "dates": is_one_of("day/month/year", "month/day/year", "year-month-day"),
    "sheet": TEXT,
}
