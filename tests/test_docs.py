"""What the docs name is there, and what is there is named in them: commands, settings, tables, columns, files, counts
and defaults."""

import ast
import configparser
import re
import tomllib
from pathlib import Path

import pytest
import yaml

from ecommerce_segments.cli import segments
from project import PROJECT
from test_project import shipped

PAGES = {path.relative_to(PROJECT).as_posix(): path.read_text()
         for path in [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]}
ALL = "\n".join(PAGES.values())
SETTINGS = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]
MODELS = {path.stem: path for path in (PROJECT / "models").rglob("*.sql")}
SOURCES = {}
for source in (
    source
    for file in (PROJECT / "models").rglob("*.yml")
    for source in yaml.safe_load(file.read_text()).get("sources", [])
):
    SOURCES.setdefault(source["name"], {}).update({table["name"]: table for table in source["tables"]})
MAKEFILE = (PROJECT / "Makefile").read_text()
# What marketing texts ask: what, the texts' letters, whether it is here, where or why not, and the code that shows it.
ASK = r"(?m)^\| (.+?) \| ([A-Z](?: [A-Z])*) \| (\w+) \| (.+?) \| (?:`([^`]+)` )?\|$"
ASKS = re.findall(ASK, PAGES["docs/texts.md"])
# How the contract calls types.
KINDS = {"decimal": "number", "boolean": "flag"}
# Columns that the contract tells of once, for all tables.
EVERY_TABLE = {"loaded_at", "is_deleted", "source"}
COUNTS = {word: number for number, word in enumerate(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen".split())}


def layer(name: str) -> set[str]:
    """The tables of a schema."""
    models = {model for model, path in MODELS.items() if path.relative_to(PROJECT / "models").parts[0] == name}
    return models | {
        "staging": {path.stem for path in (PROJECT / "seeds").glob("*.csv")},
        "intermediate": {"dates_of_models"},
        "marts": set(SOURCES["estimates"]),
    }[name]


def test_every_command_that_the_docs_name_is_there_and_the_other_way_round():
    targets = set(re.findall(r"(?m)^([a-z][a-z-]*):.* ## ", MAKEFILE))
    code = "\n".join(block or words for block, words in re.findall(r"```(.*?)```|`([^`\n]+)`", ALL, re.DOTALL))
    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", code))
    assert named - targets == {"help"}
    assert targets - named - {"help"} == set()
    commands = {name: command for name, command in segments.commands.items() if not command.hidden}
    asked = re.findall(r"(?m)(?:^|[`/;&] ?)segments ([a-z][a-z-]*)([^`\n#|]*)", code)
    assert {name for name, _ in asked} == commands.keys()
    options = {
        name: {option for parameter in command.params for option in parameter.opts}
        for name, command in commands.items()
    }
    assert [
        (name, option)
        for name, rest in asked
        for option in re.findall(r"(?<=\s)--[a-z-]+", rest)
        if option not in options[name]
    ] == []


def test_every_setting_is_named_in_the_docs():
    assert [name for name in SETTINGS if f"`{name}" not in ALL and f"{name}:" not in ALL] == []


def test_every_setting_that_a_command_of_the_docs_gives_is_there():
    given = set()
    for text in re.findall(r"""(?:VARS=|--vars )'(\{.*?\})'""", ALL, re.DOTALL):
        given |= yaml.safe_load(text).keys()
    given |= set(re.findall(r"--set ([a-z]\w*)=", ALL))
    for text in re.findall(r"```toml\n(.*?)```", ALL, re.DOTALL):
        given |= tomllib.loads(text).keys() - {"raw_dir", "name", "warehouse", "published", "target"}
    assert given and given - SETTINGS.keys() == set()


def test_the_defaults_that_the_docs_name_are_those_of_the_settings():
    wrong, found = [], 0
    for page, text in PAGES.items():
        for name, value in re.findall(r"`(\w+)` \((-?[\d.,]*\d)\)", text):
            if isinstance(SETTINGS.get(name), int | float) and not isinstance(SETTINGS[name], bool):
                found += 1
                wrong += [(page, name, value)] if float(value.replace(",", "")) != SETTINGS[name] else []
    assert found > 3 and wrong == []


def test_every_mart_is_named_in_the_docs():
    assert [mart for mart in sorted(layer("marts")) if not re.search(rf"\b{mart.removeprefix('seg_')}\b", ALL)
            and (not mart.startswith("seg_") or mart.removeprefix("seg_") in shipped())] == []


def test_every_table_that_the_docs_name_with_its_schema_is_there():
    # With incremental_staging some base tables have another name.
    known = {"staging": {"all_order_lines", "all_web_events", "all_email_events"}, "intermediate": set(),
             # A segment that first_segment.md makes up.
             "marts": {"seg_warm_regulars"}}
    for schema, others in known.items():
        assert set(re.findall(rf"\b{schema}\.([a-z]\w+)\b(?![(*<])", ALL)) - layer(schema) - others == set(), schema


def test_every_file_that_the_docs_name_is_there():
    folders = "models|macros|ecommerce_segments|requirements|tests|seeds|sample_data|docs|analyses|benchmarks|examples"
    made_up = {
        f"models/marts/segments/seg_{name}.sql"
        for name in ("x", *re.findall(r"(?m)^-- models/marts/segments/seg_(\w+)\.sql", ALL))
    }
    made_up |= set(re.findall(r"(?m)^(?:--|#) (models/connectors/pos/\S+)$", ALL))
    made_up |= {f"models/traits/trait_{name}.sql" for name in ("x", *re.findall(r"segments new --trait (\w+)", ALL))}
    named = {
        (page, path)
        for page, text in PAGES.items()
        for path in re.findall(rf"(?<![\w/.])((?:{folders})/[\w./-]*\w\.\w+)", text)
    }
    assert {(page, path) for page, path in named if path not in made_up and not (PROJECT / path).exists()} == set()


def test_every_link_leads_somewhere():
    for page, text in PAGES.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
            if "://" in target:
                continue
            path, _, anchor = target.partition("#")
            file = (PROJECT / page).parent / path if path else PROJECT / page
            assert file.exists(), f"{page}: {target}"
            if anchor:
                headings = re.findall(r"(?m)^#+ (.*)$", file.read_text())
                assert anchor in {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}, (
                    f"{page}: {target}"
                )


def test_the_raw_contract_lists_the_tables_and_columns_that_are_read():
    text = PAGES["docs/raw_contract.md"]
    tables = SOURCES["raw"]

    def is_required(described: dict) -> bool:
        return bool(described.get("config", {}).get("meta", {}).get("required"))

    sections = {
        name: (star, rows)
        for name, star, rows in re.findall(r"(?ms)^### (\w+)( ✱)?$(.*?)(?=^##|\Z)", text)
        if "| column | type |" in rows
    }
    for name, heading in {"sale_campaigns": "The sale calendar", "marketing_campaigns": "Marketing campaigns",
                          "loyalty_tiers": "Loyalty tiers"}.items():
        sections[name] = ("", re.search(rf"(?ms)^## {heading}$(.*?)(?=^##)", text).group(1))
    assert sections.keys() == tables.keys()
    for name, (star, rows) in sections.items():
        assert bool(star) == is_required(tables[name]), name
        told = [
            (column, kind, bool(needed))
            for column, kind, needed in re.findall(r"(?m)^\| (\w+) \| (\w+) \| (✱?) ?\|", rows)
            if column != "column"
        ]
        assert told == [
            (column["name"], KINDS.get(column["data_type"].partition("(")[0], column["data_type"]), is_required(column))
            for column in tables[name]["columns"]
            if column["name"] not in EVERY_TABLE
        ], name
    required = re.search(r"\*\*Required tables\*\*: (.*?)\.", text).group(1)
    assert set(re.findall(r"`(\w+)`", required)) == {name for name, table in tables.items() if is_required(table)}


def test_what_the_texts_ask_is_shown_or_refused_with_names_that_are_there():
    text = PAGES["docs/texts.md"]
    assert len(ASKS) >= 60
    assert len(re.findall(r"(?m)^\| asked \|", text)) + len(ASKS) == len(re.findall(r"(?m)^\| [a-z]", text))
    assert {here for _, _, here, *_ in ASKS} == {"yes", "partly", "no"}
    assert [ask for ask, _, here, _, code in ASKS if (here == "no") == bool(code)] == []
    texts = set(re.findall(r"(?m)^\| ([A-Z]) \| \[", text))
    assert {letter for _, letters, *_ in ASKS for letter in letters.split()} == texts
    described = [yaml.safe_load(file.read_text()) for file in (PROJECT / "models").rglob("*.yml")]
    columns = {column["name"] for content in described for model in content.get("models", [])
               for column in model.get("columns", [])}
    columns |= {column["name"] for table in SOURCES["estimates"].values() for column in table["columns"]}
    known = MODELS.keys() | SOURCES["estimates"].keys() | columns | SETTINGS.keys() | SETTINGS["journeys"].keys() | {
        f"{table}.{column}" for table in ("sessions", "email_campaigns") for column in ("device", "net_revenue")}
    named = {name for _, _, _, where, _ in ASKS for name in re.findall(r"`([^`]+)`", where)}
    assert {name for name in named if name not in known and f"seg_{name}" not in known} == {"all", "paid", "anonymous"}


def test_counts_are_true():
    metrics = yaml.safe_load((PROJECT / "models" / "marts" / "metrics" / "_metrics.yml").read_text())["metrics"]
    texts = PAGES | {
        "CHANGELOG.md": (PROJECT / "CHANGELOG.md").read_text(),
        ".ci/run": (PROJECT / ".ci" / "run").read_text(),
    }
    counted = {
        r"(\w+) segments (?:in six groups|with their formula)|these are the first three of (\w+) segments": len(
            shipped()
        ),
        r"(\w+) metrics in dbt's": len(metrics),
        r"(\w+) queries to start from": len(list((PROJECT / "analyses").glob("*.sql"))),
        r"(\w+) raw tables as Parquet": len(list((PROJECT / "data" / "demo").glob("*.parquet"))),
    }
    for pattern, expected in counted.items():
        found = [(page, word) for page, text in texts.items() for words in re.findall(f"(?i){pattern}", text)
                 for word in (words if isinstance(words, tuple) else (words,)) if word]
        assert found, pattern
        assert [(page, word) for page, word in found if number(word) != expected] == [], pattern


def number(word: str) -> int | None:
    return int(word) if word.isdigit() else COUNTS.get(word.lower())


def test_the_table_of_the_readme_is_in_the_order_of_the_register():
    named = re.findall(r"(?m)^\| ([a-z_]+) \| .* \|$", PAGES["README.md"])
    registered = [entry["name"] for entry in SETTINGS["segments"]]
    assert [name for name in named if name in registered] == [name for name in registered if name in named]


@pytest.mark.parametrize("table", [r"\| mart \| a row per \| answers \|"])
def test_tables_of_marts_name_marts(table):
    rows = re.search(table + r"\n\|[ -|]*\n((?:\|.*\n)+)", PAGES["README.md"]).group(1)
    assert set(re.findall(r"(?m)^\| (\w+) \|", rows)) <= layer("marts")


def test_variables_of_the_environment_that_the_docs_name_are_read_somewhere():
    code = (
        "\n".join(
            path.read_text()
            for folder in ("ecommerce_segments", "macros", "models", "tests", "sample_data")
            for path in sorted((PROJECT / folder).rglob("*"))
            if path.suffix in (".py", ".sql", ".yml", ".defaults")
        )
        + MAKEFILE
        + "".join((PROJECT / name).read_text() for name in ("profiles.yml", "dbt_project.yml"))
    )
    named = set(re.findall(r"\b([A-Z][A-Z]+(?:_[A-Z]+)+)(?==|`)", ALL))
    assert named and {name for name in named if name not in code} == set()


def test_the_files_for_schedulers_are_what_schedulers_read():
    folder = PROJECT / "examples" / "schedulers"
    command = "/srv/ecommerce-segments/.venv/bin/segments nightly --shop /srv/shop"
    (line,) = re.findall(r"(?m)^(?![#A-Z]).+", (folder / "crontab").read_text())
    assert re.match(r"\d+ \d+ \* \* \* ", line) and command in line
    service, timer = (configparser.ConfigParser(interpolation=None) for _ in range(2))
    service.read(folder / "segments.service")
    timer.read(folder / "segments.timer")
    assert (
        service["Service"]["ExecStart"],
        service["Service"]["RestartPreventExitStatus"],
        timer["Install"]["WantedBy"],
    ) == (command, "2", "timers.target")
    steps = yaml.safe_load((folder / "github_actions.yml").read_text())["jobs"]["nightly"]["steps"]
    assert steps[0]["run"] == command
    calls = [
        node for node in ast.walk(ast.parse((folder / "airflow_dag.py").read_text())) if isinstance(node, ast.Call)
    ]
    (operator,) = [call for call in calls if getattr(call.func, "id", "") == "BashOperator"]
    assert {word.arg: ast.literal_eval(word.value) for word in operator.keywords if word.arg == "bash_command"} == {
        "bash_command": command
    }


def test_each_page_is_linked_from_the_readme_or_from_a_page():
    assert [page for page in PAGES if page.startswith("docs/") and f"({page})" not in PAGES["README.md"]
            and f"({Path(page).name}" not in ALL] == []
