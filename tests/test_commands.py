"""Commands as users and schedulers call them: exit codes, the one sentence at the end, and what a run says it left out.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from ecommerce_segments import cli, settings
from ecommerce_segments.build.backfill import asked_days
from ecommerce_segments.build.failures import advice, bare
from ecommerce_segments.build.left_out import NOTES, Rejected, example_of
from ecommerce_segments.build.telling import aligned
from ecommerce_segments.dbt_session import DbtError
from ecommerce_segments.explore.metrics import refuse_unknown, why_unanswered
from ecommerce_segments.publish import versions as publish
from project import PROJECT

# One worker runs them all, so that the shop is built once.
pytestmark = pytest.mark.xdist_group("commands")

MAKEFILE = (PROJECT / "Makefile").read_text()
# What the docs tell schedulers to call.
FOR_SCHEDULERS = [
    line
    for page in ("README.md", "docs/your_own_shop.md", "docs/publishing.md")
    for line in (PROJECT / page).read_text().splitlines()
    if re.match(r"(30 2 \S+ \S+ \S+ )?\S*\.venv/bin/segments nightly --shop", line)
]
# A line per phase stands where a terminal has a bar.
SCREEN = 30


class Terminal:
    """A copy of the project, in whose directory a user stands."""

    def __init__(self, root: Path):
        self.root = root
        shutil.copytree(
            PROJECT,
            root,
            ignore=shutil.ignore_patterns(
                ".*", "data", "dbt_packages", "exports", "warehouse", "published", "target", "logs"
            ),
        )
        (root / ".venv").symlink_to((PROJECT / ".venv").resolve())
        own = (
            "RAW_DIR",
            "DATASET",
            "DUCKDB_PATH",
            "PUBLISHED_DIR",
            "VARS",
            "TARGET",
            "MAKEFLAGS",
            "MFLAGS",
            "MAKELEVEL",
            "DBT_TARGET_PATH",
            "DBT_LOG_PATH",
            "SHOP_DIR",
        )
        # The command is that of the copy, and on the PATH as in an activated environment.
        self.environment = {name: value for name, value in os.environ.items() if name not in own} | {
            "PYTHONPATH": str(root), "PATH": f"{root / '.venv' / 'bin'}:{os.environ['PATH']}"}

    def run(self, command: str, directory: Path | None = None, **variables: object) -> subprocess.CompletedProcess:
        """A line that a user types. What is installed is not installed again."""
        command = re.sub(
            r"^make\b",
            "make --no-print-directory --old-file=.venv/installed --old-file=.venv/installed-metrics"
            " --old-file=.venv/installed-mcp",
            command,
        )
        return subprocess.run(
            ["bash", "-c", command],
            cwd=directory or self.root,
            capture_output=True,
            text=True,
            check=False,
            env=self.environment | {name: str(value) for name, value in variables.items()},
        )


def write_shop(directory: Path, price: str = "29.95") -> Path:
    """A shop whose newest order is of two days ago, with a row of each fate."""
    day = datetime.now(UTC).date() - timedelta(days=2)
    tables = {
        "customers": [
            "customer_id,email,birth_date,created_at,updated_at,is_deleted",
            "c1,ann@example.com,in winter,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z,",
            "c1,ann@example.com,,2025-01-01T10:00:00Z,2025-01-01T10:00:00Z,",
            "c2,,,2026-01-01T10:00:00Z,2026-01-01T10:00:00Z,true",
        ],
        "products": ["product_id,category,unit_cost,updated_at", "p1,shoes,20,2026-01-01 00:00"],
        "orders": [
            "order_id,customer_id,ordered_at,status,currency,updated_at",
            *(f"o{n},c1,{day}T10:00:00Z,paid,EUR,{day}T10:00:00Z" for n in range(6)),
            f"o6,c1.0,{day}T10:00:00Z,paid,EUR,{day}T10:00:00Z",
            f"o7,c1,{day}T10:00:00Z,shipped,EUR,{day}T10:00:00Z",
        ],
        "order_lines": [
            "order_line_id,order_id,product_id,quantity,unit_price,updated_at",
            *(f'l{n},o{n},p1,2,"{price}",{day}T10:00:00Z' for n in range(6)),
        ],
        "refunds": [
            "refund_id,order_id,order_line_id,refunded_at,amount,updated_at",
            f"r,o0,l0,{day}T10:00:00Z,65.50,{day}T10:00:00Z",
        ],
        "marketing_campaigns": [
            "marketing_campaign_id,segment,starts_on,ends_on,holdout_percent",
            f"spring,loyal_buyer,{day},{day},10",
        ],
    }
    directory.mkdir(parents=True)
    for table, lines in tables.items():
        (directory / f"{table}.csv").write_text("\n".join(lines) + "\n")
    return directory


@pytest.fixture(scope="module")
def terminal(tmp_path_factory):
    return Terminal(tmp_path_factory.mktemp("terminal") / "the project")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The directory of the raw files of a shop, which stands in a directory of its own."""
    return write_shop(tmp_path_factory.mktemp("shops") / "my shop" / "raw")


def scheduled(command: str, raw_dir: Path) -> str:
    """A line of the docs on these files, without the times of a crontab and its log.

    The shop's file stands beside the files' directory.
    """
    (raw_dir.parent / "segments.toml").write_text(
        f'raw_dir = "{raw_dir.name}"\nshop_timezone = "Europe/Madrid"\nreporting_currency = "EUR"\n'
    )
    command = re.sub(r"^30 2 \* \* \* ", "", command).partition(" >")[0]
    return command.replace("/srv/ecommerce-segments/.venv/bin/", "").replace("/srv/shop", f"'{raw_dir.parent}'")


@pytest.fixture(scope="module")
def good_run(terminal, shop):
    return terminal.run(scheduled(FOR_SCHEDULERS[0], shop))


def assert_one_sentence(run: subprocess.CompletedProcess, code: int, sentence: str) -> None:
    """On stderr stands the sentence alone, and all together fits on a screen."""
    assert run.returncode == code, run.stdout + run.stderr
    assert re.fullmatch(f"{sentence}\n", run.stderr), run.stderr
    assert len((run.stdout + run.stderr).splitlines()) < SCREEN
    assert "Traceback" not in run.stdout and "macro" not in run.stdout


def test_the_docs_tell_schedulers_one_command():
    assert len(FOR_SCHEDULERS) >= 2
    assert not re.search(r"make (--silent )?nightly.*nightly\.log", (PROJECT / "docs" / "your_own_shop.md").read_text())


def test_0_all_is_well_and_the_run_says_what_it_left_out(good_run, terminal, shop):
    assert (good_run.returncode, good_run.stderr) == (0, ""), good_run.stdout + good_run.stderr
    table = {line.split()[0]: re.split(" {2,}", line)[1:] for line in good_run.stdout.splitlines() if line.split()[:1]}
    assert table["table"][:6] == ["received", "kept", "duplicates", "deleted", "rejected", "repaired"]
    assert table["customers"] == ["3", "1", "1", "1", "0", "1", "1 x birth_date repaired"]
    assert table["orders"] == ["8", "7", "0", "0", "1", "0", "1 x unknown status, for example 'shipped'"]
    assert (
        "1 orders name 1 accounts that customers does not know, for example 'c1.0' (there is 'c1'): they go by their"
        " email alone."
        in good_run.stdout
    )
    assert (
        "1 lines and orders were refunded more than was paid for their goods, 5.60 EUR in all, for example in the"
        " order 'o0': amounts of refunds are"
        " without tax and shipping (intermediate.refund_excess)."
    ) in good_run.stdout
    assert re.search(r"Empty segments: .*loyal_buyers.*birthday_soon", good_run.stdout)
    assert (
        "The campaign spring goes to the segment loyal_buyer, which there is not: did you mean loyal_buyers?"
        in good_run.stdout
    )
    assert "Warning: quintiles_suit_the_shop__else_set_rfm_method_to_cut_points." in good_run.stdout
    assert f"{shop.parent}/published/my shop/current" in good_run.stdout
    assert len(good_run.stdout.splitlines()) < SCREEN
    assert "has passed" not in good_run.stdout and (terminal.root / "logs" / "dbt.log").stat().st_size > 10_000


def test_0_a_second_run_in_which_nothing_has_changed_builds_nothing(good_run, terminal, shop):
    published = shop.parent / "published" / "my shop"
    first, report = publish.current(published), (published / "run_report.json").read_text()
    without_dbt = "import sys; from ecommerce_segments.cli import main; sys.exit(main(['{}']) or 'dbt' in sys.modules)"
    began = time.monotonic()
    run, nightly = (
        terminal.run(f'python -c "{without_dbt.format(command)}"', directory=shop.parent)
        for command in ("run", "nightly")
    )
    assert (run.returncode, run.stderr, nightly.returncode, nightly.stderr) == (0, "", 0, "")
    # Seconds, where a build takes a minute: machines that are busy included.
    assert time.monotonic() - began < 20 and publish.current(published) == first
    said = r"Nothing has changed since the version published on .* UTC: .* `segments {} --rebuild` builds .* same\.\n"
    assert re.match(said.format("run"), run.stdout) and re.fullmatch(said.format("nightly"), nightly.stdout)
    left_out = good_run.stdout.partition("\nWhat the files held")[2].partition("\nWarnings")[0]
    assert left_out and left_out in run.stdout and run.stdout.endswith("'from marts.seg_loyal_buyers'\n")
    assert json.loads((published / "run_report.json").read_text())["unchanged_since"]
    (published / "run_report.json").write_text(report)


def test_1_a_guard_fails_and_its_reasons_are_told(terminal, tmp_path):
    run = terminal.run(scheduled(FOR_SCHEDULERS[-1], write_shop(tmp_path / "prices" / "raw", price="12 or 13")))
    assert_one_sentence(
        run,
        1,
        r"Not published: of the 6 rows of order_lines, 6 are rejected: 6 x unreadable unit_price, for example"
        r" '12 or 13'\. Such files usually"
        r" hold decimal commas.*write numbers like 1234\.50, or say .*, or raise max_rejected_rows .* Nothing was"
        r" published before either\.",
    )
    assert "  6 x unreadable unit_price, for example '12 or 13'" in run.stdout and "logs/dbt.log" in run.stdout


def test_2_a_setting_is_wrong_in_any_directory(terminal, shop, tmp_path):
    run = terminal.run("segments nightly --set as_of_dat=2026-06-30", directory=tmp_path, RAW_DIR=shop)
    assert_one_sentence(run, 2, r"--set names as_of_dat, which is no setting: did you mean as_of_date\?")
    assert run.stdout == ""


def test_2_the_files_are_wrong(terminal, tmp_path):
    raw_dir = write_shop(tmp_path / "shop" / "raw")
    (raw_dir / "orders.csv").unlink()
    run = terminal.run(scheduled(FOR_SCHEDULERS[0], raw_dir))
    assert_one_sentence(
        run, 2, r"Not published: The required table orders is missing: .* Nothing was published before either\."
    )


def test_make_says_the_same_sentence_and_ends_with_its_own_2(terminal, shop):
    run = terminal.run(f"make run RAW_DIR='{shop}' VARS='as_of_date=2026-06-30'")
    sentence, of_make = run.stderr.splitlines()
    assert sentence.startswith(
        "VARS is 'as_of_date=2026-06-30', but must be a map of settings: VARS='{"
    ) and of_make.startswith("make: ***")
    assert (run.returncode, run.stdout) == (2, "")


@pytest.mark.parametrize("stopped_by, code", [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_128_and_the_signal_that_ends_a_run(terminal, shop, tmp_path, stopped_by, code):
    command = "exec " + scheduled(FOR_SCHEDULERS[0], shop)
    process = subprocess.Popen(
        ["bash", "-c", command],
        cwd=terminal.root,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=terminal.environment
        | {"DUCKDB_PATH": str(tmp_path / "shop.duckdb"), "PUBLISHED_DIR": str(tmp_path / "published")},
    )
    assert process.stdout.readline().startswith("Reading ")
    process.send_signal(stopped_by)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (
        code,
        f"Stopped by {stopped_by.name}: nothing is published by this run. Start it again.\n",
    )


@pytest.mark.parametrize("directory", [".", "/"])
def test_the_printed_command_can_be_pasted(terminal, shop, good_run, directory):
    shown = terminal.run(f"segments show --shop '{shop.parent}'", directory=shop.parent / directory)
    (pasted,) = [line.strip() for line in shown.stdout.splitlines() if " -readonly " in line]
    assert "published/my shop/current/shop.duckdb'" in pasted
    assert terminal.run(pasted, directory=shop.parent / directory).returncode == 0


def test_rollback_as_a_user_has_it_with_the_default_places(terminal, shop, good_run):
    published, warehouse = shop.parent / "published" / "my shop", shop.parent / "warehouse" / "my shop.duckdb"
    first = publish.current(published)
    with duckdb.connect(first / publish.DATABASE, read_only=True) as connection:
        marts = [mart for (mart,) in connection.execute("select table_name from duckdb_tables()").fetchall()]
    publish.publish(warehouse, marts, published, kept=3)
    assert publish.current(published) != first
    run = terminal.run("segments rollback", directory=shop.parent)
    assert run.returncode == 0 and f"published/my shop/current leads to {first.name} again." in run.stdout, run.stderr
    assert publish.current(published) == first and not os.path.isabs(os.readlink(published / "current"))
    again = terminal.run("segments rollback", directory=shop.parent)
    assert re.match(
        f"There is no version before {first.name} in published/my shop/versions: nothing is changed.\n", again.stderr
    )


def test_rollback_where_nothing_is_published_is_a_sentence(terminal):
    run = terminal.run("segments rollback")
    assert (run.returncode, run.stderr) == (
        2,
        "Nothing is published in published/demo yet: run `segments run` first.\n",
    )


def test_two_shops_of_one_name_do_not_share_a_place(terminal, tmp_path):
    raw_dir = write_shop(tmp_path / "other" / "raw")
    (terminal.root / "warehouse").mkdir(exist_ok=True)
    (terminal.root / "warehouse" / "raw.raw_dir.txt").write_text("/srv/a/raw\n")
    run = terminal.run(f"segments nightly --raw-dir '{raw_dir}'")
    assert_one_sentence(
        run,
        2,
        re.escape(
            f"warehouse/raw.duckdb is that of the shop in /srv/a/raw, and not of {raw_dir}: give this one a name of"
            " its own, such as"
            " --name other. If the files have moved, name both places, --warehouse and --published."
        ),
    )
    assert not (terminal.root / "published" / "raw").exists()


@pytest.mark.parametrize("directory", [".", "nowhere"])
def test_a_question_before_the_first_build_says_so(terminal, shop, directory):
    run = terminal.run("segments preview loyal_buyers", RAW_DIR=shop, DUCKDB_PATH=f"{directory}/none.duckdb")
    assert run.stderr.splitlines()[0] == "Nothing is built here yet: run `segments run` first."


@pytest.mark.parametrize(
    "command, sentence",
    [
        ("explain", "Error: Missing argument 'CUSTOMER'."),
        ("preview", "Error: Missing argument 'NAME'."),
        ("new", "Error: Missing argument 'NAME'."),
        ("remove loyal_buyer", "There is no segment loyal_buyer: did you mean loyal_buyers?"),
        ("backfill --from 2024-07-31 --every month", "Error: Missing option '--to'."),
        (
            "backfill --from 2024-13-01 --to 2024-12-01 --every day",
            "Error: Invalid value for '--from': '2024-13-01' does not match the format '%Y-%m-%d'.",
        ),
        (
            "backfill --from 2024-01-01 --to 2024-12-01 --every year",
            "Error: Invalid value for '--every': 'year' is not one of 'day', 'week', 'month'.",
        ),
        ("exprt", "Error: No such command 'exprt'. Did you mean 'export'?"),
        ("run --targt spark", "Error: No such option '--targt'. Did you mean '--target'?"),
        (
            "run --set as_of_date",
            "Error: Invalid value for --set: 'as_of_date' is no NAME=VALUE, such as shop_timezone=Europe/Madrid.",
        ),
        (
            "load",
            "The target duckdb takes no files: load is for --target postgres and --target spark. On DuckDB files are"
            " read in place.",
        ),
    ],
)
def test_a_question_that_is_not_whole_gets_a_sentence(terminal, command, sentence):
    run = terminal.run(f"segments {command}")
    assert (run.returncode, run.stderr.splitlines()[-1], run.stdout) == (2, sentence, "")


def test_each_command_helps_with_an_example(terminal):
    for name, command in cli.segments.commands.items():
        words = shlex.split(command.epilog.removeprefix("Example: ").partition(" | ")[0])
        assert words[:2] == ["segments", name] or command.hidden
        # The words of the example are understood.
        command.make_context(name, words[2:], resilient_parsing=False)
    run = terminal.run("segments --help; segments erase --help; segments --version")
    assert (
        run.returncode == 0
        and "Example: segments erase C01234" in run.stdout
        and "forget " not in run.stdout.partition("Usage: segments erase")[0]
    )


def test_dates_of_a_backfill():
    with pytest.raises(DbtError, match="There is no date from 2024-12-01 to 2024-01-01: --from comes first"):
        asked_days(date(2024, 12, 1), date(2024, 1, 1), "day")
    assert len(asked_days(date(2024, 1, 31), date(2024, 12, 31), "month")) == 12


def test_metrics_of_an_unknown_name():
    refuse_unknown("net_revenue,purchases", ["net_revenue", "purchases"])
    with pytest.raises(
        DbtError, match="There is no metric 'revenue': did you mean net_revenue[?] `segments metrics` lists them all."
    ):
        refuse_unknown("purchases,revenue", ["net_revenue", "purchases"])
    said = (
        "ERROR: Got error(s) during query resolution.\n\n    Suggestions:\n      [\n        'metric_time__day',\n     "
        "   'segment',\n      ]\nLog File:: x"
    )
    assert why_unanswered(said, "metric_time") == (
        "That cannot be asked so (--by metric_time). Near it are metric_time__day, segment: `segments metrics` lists"
        " them all."
    )


def test_metrics_of_a_shop_whose_warehouse_has_another_name(terminal, shop, good_run):
    run = terminal.run(
        "segments metrics purchases --name other --published 'published/my shop' --warehouse 'warehouse/my"
        " shop.duckdb'",
        directory=shop.parent,
    )
    # Of the seven orders of known status one has no line, and one was given back whole.
    assert run.returncode == 0 and run.stdout.split()[-1] == "5", run.stdout + run.stderr


def test_commands_that_need_no_shop_work_in_any_directory(terminal, tmp_path):
    assert terminal.run("segments check", directory=tmp_path).returncode == 0
    assert "purchase_count" in terminal.run("segments traits", directory=tmp_path).stdout
    assert terminal.run("segments new 'Bad name'", directory=tmp_path).stderr.startswith(
        "'Bad name' is no name for a segment"
    )


def test_a_sample_brings_its_settings_and_the_demo_is_simulated(terminal):
    ask = ("cd tests && python -c 'from ecommerce_segments.shop import *; shop = this_shop();"
           " print(sorted(shop.given)[:2], shop.is_simulated, shop.warehouse.name)'")
    demo = "['as_of_date', 'history_months_at_first_build'] True demo.duckdb\n"
    assert [
        terminal.run(ask, **variables).stdout
        for variables in ({}, {"RAW_DIR": "../data/demo"}, {"DATASET": "demo", "VARS": ""})
    ] == [demo] * 3
    assert terminal.run(ask, DATASET="complete_journey").stdout.endswith(" False complete_journey.duckdb\n")
    assert terminal.run(ask, VARS="{rfm_min_buyers: 3}").stdout == "['rfm_min_buyers'] True demo.duckdb\n"
    assert terminal.run(ask, RAW_DIR="../../shop/").stdout == "[] False shop.duckdb\n"


def test_options_beat_variables_and_these_beat_the_shops_file(terminal, tmp_path):
    (tmp_path / "segments.toml").write_text(
        'raw_dir = "files"\nname = "mine"\nshop_timezone = "Europe/Madrid"\nas_of_date = 2026-01-01\nrfm_min_buyers = 3\n'  # noqa: E501
    )
    ask = (
        "python -c 'from ecommerce_segments.shop import *; import sys; shop = this_shop(dict(word.split(chr(61), 1)"
        " for word in sys.argv[1:]));"
        " print(shop.name, shop.raw_dir.name, shop.warehouse.relative_to(CALLED_FROM), shop.target,"
        " *[str(value) for _, value in sorted(shop.given.items())])' "
    )
    def told(words="", **variables):
        return terminal.run(ask + words, directory=tmp_path, **variables).stdout.split()
    assert told() == ["mine", "files", "warehouse/mine.duckdb", "duckdb", "2026-01-01", "3", "Europe/Madrid"]
    assert told(RAW_DIR="others", TARGET="spark", VARS="{as_of_date: 2026-02-02}") == [
        "mine", "others", "warehouse/mine.duckdb", "spark", "2026-02-02", "3", "Europe/Madrid"]
    assert told(
        "DATASET=his DUCKDB_PATH=w.duckdb SET=as_of_date:\\ 2026-03-03", VARS="{as_of_date: 2026-02-02}", DATASET="hers"
    ) == ["his", "files", "w.duckdb", "duckdb", "2026-03-03", "3", "Europe/Madrid"]


def test_connectors_have_directories_from_the_option_and_the_shops_file(terminal, tmp_path):
    ask = (
        "python -c 'from ecommerce_segments.shop import *; import sys, json;"
        " shop = this_shop(dict(word.split(chr(61), 1) for word in sys.argv[1:]));"
        " print(json.dumps([shop.name, str(shop.raw_dir), shop.given]))' "
    )
    def told(words):
        return json.loads(terminal.run(ask + words, directory=tmp_path).stdout)
    entry = {"directory": f"{tmp_path}/till"}
    assert told("CONNECTOR=ad_reporting=till") == [
        "till", f"{tmp_path}/till/raw", {"connectors": {"ad_reporting": entry}}]
    assert told("CONNECTOR=ad_reporting_us=till RAW_DIR=files") == [
        "files", f"{tmp_path}/files", {"connectors": {"ad_reporting_us": entry | {"connector": "ad_reporting"}}}]
    (tmp_path / "segments.toml").write_text("[connectors.ad_reporting]\ndirectory = 'ads'\ncurrency = 'EUR'\n")
    assert told("")[1:] == [
        f"{tmp_path}/ads/raw", {"connectors": {"ad_reporting": {"directory": f"{tmp_path}/ads", "currency": "EUR"}}}]
    assert told("CONNECTOR=ad_reporting=till")[2] == {"connectors": {"ad_reporting": entry | {"currency": "EUR"}}}
    (tmp_path / "segments.toml").write_text("raw_dir = 'raw'\nconnectors = ['ad_reporting']\n")
    assert told("")[1:] == [f"{tmp_path}/raw", {"connectors": {"ad_reporting": {}}}]


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("--connector ad_reportin=ads", "connectors names ad_reportin, which is no connector: did you mean"
                                        " ad_reporting?"),
        ("--connector ads", "--connector is 'ads', but must be NAME=DIR, such as shopify=/srv/shop/shopify."),
        ("--set connectors=3", "connectors is '3', but must be a list of names, or a map such as"
                               " {shopify: {directory: /srv/shop/shopify}}."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_connector_is_named(terminal, tmp_path, text, sentence):
    refused = terminal.run(f"segments run {text}", directory=tmp_path)
    assert (refused.returncode, refused.stderr.strip()) == (2, sentence)


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("raw_dir = raw", r"segments.toml cannot be read as TOML: .* Texts stand in quotes, as in raw_dir = \"raw\"."),
        ("rawdir = 'raw'", r"segments.toml names rawdir, which is no setting: did you mean raw_dir\?"),
        ("as_of_dat = 2026-01-01", r"segments.toml names as_of_dat, which is no setting: did you mean as_of_date\?"),
        (
            "shop_timezone = 'Berlin'",
            r"shop_timezone is 'Berlin', which is no IANA time zone: did you mean Europe/Berlin\?",
        ),
    ],
)
def test_what_is_wrong_in_the_shops_file_is_named(terminal, tmp_path, text, sentence):
    (tmp_path / "segments.toml").write_text(text + "\n")
    assert_one_sentence(terminal.run("segments nightly", directory=tmp_path), 2, sentence)


def test_the_doctor_says_what_stands_in_the_way(terminal, shop, good_run, tmp_path):
    alike = terminal.run("segments doctor", directory=shop.parent)
    assert alike.returncode == 0 and "A run would build nothing (--rebuild does)" in alike.stdout
    well = terminal.run("segments doctor --set rfm_window_days=365", directory=shop.parent)
    assert (
        well.returncode == 0
        and "!" not in well.stdout
        and "segments.toml" in well.stdout
        and "A run would build anew and publish" in well.stdout
    )
    raw_dir = write_shop(tmp_path / "raw")
    (raw_dir / "orders.csv").rename(raw_dir / "order.csv")
    ill = terminal.run("segments doctor --raw-dir raw --published raw/order.csv/published", directory=tmp_path)
    assert ill.returncode == 2
    assert (
        "! The required tables orders are missing in raw (docs/raw_contract.md)." in ill.stdout
        and "order.csv is not read: did you mean orders?" in ill.stdout
    )
    assert "! raw/order.csv/published cannot be written" in ill.stdout
    assert not (tmp_path / "warehouse").exists()


def test_a_run_leaves_a_report_beside_what_it_publishes(good_run, shop):
    report = json.loads((shop.parent / "published" / "my shop" / "run_report.json").read_text())
    assert (
        report["exit_code"] == 0
        and report["settings"]["shop_timezone"] == "Europe/Madrid"
        and report["versions"]["dbt-core"] == "1.11.16"
    )
    assert {"table": "orders", "received": 8, "kept": 7, "duplicates": 0, "deleted": 0, "rejected": 1, "repaired": 0,
            "most often": "1 x unknown status, for example 'shipped'"} in report["tables"]
    assert {"customers", "seg_loyal_buyers"} <= {
        model["name"] for model in report["models"] if model["status"] == "success" and model["seconds"] > 0
    }
    assert (
        len(report["tests"]) > 40
        and {"build", "estimate", "publish"} <= report["phases"].keys()
        and report["seconds"] >= report["phases"]["build"] > 0
    )
    assert any("Empty segments" in alert for alert in report["alerts"]) and "failure" not in report


def test_events_for_programs(terminal, shop, good_run):
    run = terminal.run(
        f"segments nightly --json --shop '{shop.parent}' --set max_rejected_rows=0 --set max_rejected_share=0.1"
    )
    events = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 1 and {"phase", "node", "message", "fault"} >= {event["event"] for event in events} >= {
        "phase",
        "node",
        "fault",
    }
    assert events[-1]["text"] + "\n" == run.stderr and events[-1]["text"].startswith(
        "Not published: of the 8 rows of orders, 1 are rejected"
    )
    report = json.loads((shop.parent / "published" / "my shop" / "run_report.json").read_text())
    assert report["exit_code"] == 1 and report["failure"] == events[-1]["text"]


def test_nothing_that_a_user_types_reaches_a_shell_or_make(terminal, tmp_path):
    name = "`touch a`$(touch b)$(shell touch c)\"; touch d; \"'${HOME}"
    run = subprocess.run(
        ["make", "--old-file=.venv/installed", "run", f"RAW_DIR={name}"],
        cwd=terminal.root,
        text=True,
        capture_output=True,
        env=terminal.environment,
    )
    assert name in run.stdout + run.stderr and run.returncode == 2
    assert not [path for path in "abcd" if (terminal.root / path).exists()]


def test_recipes_take_what_is_typed_from_the_environment():
    typed = {"RAW_DIR", "DATASET", "VARS", "PUBLISHED_DIR", "DUCKDB_PATH", "POSTGRES_DIR", "FILES"}
    for line in re.findall(r"^\t.*", MAKEFILE, re.MULTILINE):
        expanded = set(re.findall(r"\$\((\w+)\)", re.sub(r"\$\(if \$\(\w+\),", "", line)))
        assert not expanded & typed, line


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("as_of_date=2026-06-30", r"VARS is 'as_of_date=2026-06-30', but must be a map of settings: VARS='\{"),
        ("{shop_timezone: [", "VARS cannot be read as YAML"),
        (
            "{as_of_date:2026-06-30}",
            "VARS names as_of_date:2026-06-30: in YAML a blank follows the colon. Write VARS='{as_of_date: ...}'",
        ),
        ("{nonsense: 1}", "VARS names nonsense, which is no setting: dbt_project.yml has them all."),
        ("{as_of_date: 2026-02-30}", "as_of_date is '2026-02-30', but must be a date of the form YYYY-MM-DD."),
        ("{as_of_date: ''}", "as_of_date is '', but must be a date of the form YYYY-MM-DD."),
        (
            "{shop_timezone: Berlin}",
            "shop_timezone is 'Berlin', which is no IANA time zone: did you mean Europe/Berlin?",
        ),
        (
            "{shop_timezone: Europe/Madird}",
            "shop_timezone is 'Europe/Madird', which is no IANA time zone: did you mean Europe/Madrid?",
        ),
        ("{shop_timezone: XYZ}", "shop_timezone is 'XYZ', which is no IANA time zone, such as Europe/Berlin."),
        (
            "{naive_timestamps: New York}",
            "naive_timestamps is 'New York', which is no IANA time zone: did you mean America/New_York?",
        ),
        (
            "{naive_timestamps: {order: UTC}}",
            "naive_timestamps names 'order', which is no raw table: did you mean orders?",
        ),
        (
            "{naive_timestamps: {orders: Rom}}",
            "naive_timestamps of orders is 'Rom', which is no IANA time zone: did you mean Europe/Rome?",
        ),
        (
            "{raw_tables: {oders: {schema: sales}}}",
            "raw_tables names 'oders', which is no raw table: did you mean orders?",
        ),
        (
            "{raw_tables: {orders: {shema: sales}}}",
            "raw_tables names 'shema' for orders, which is none of database, schema, identifier, model: did you mean"
            " schema?",
        ),
        ("{max_rejected_rows: many}", "max_rejected_rows is 'many', but must be a whole number from 0 on."),
        ("{max_rejected_share: 5}", "max_rejected_share is '5', but must be a number from 0 to 1."),
        ("{publish_contact_data: 'false'}", "publish_contact_data is 'false', but must be true or false."),
        ("{rfm_method: deciles}", "rfm_method is 'deciles', but must be quintiles or cut_points."),
        ("{files: [orders]}", r"files is '\['orders'\]', but must be a map of tables to how their files are written"),
        ("{files: {order: {}}}", "files names 'order', which is no raw table: did you mean orders?"),
        (
            "{files: {orders: {seperator: ';'}}}",
            "files.orders names seperator, which is nothing that can be said of a file: did you mean separator?",
        ),
        ("{files: {orders: {separator: ' '}}}", "files.orders.separator is ' ', but must be one of "),
        ("{files: {orders: {encoding: ansi8}}}", "files.orders.encoding is 'ansi8', but must be an encoding that"),
        ("{files: {orders: {encoding: base64}}}", "files.orders.encoding is 'base64', but must be an encoding that"),
        ("{files: {orders: {decimal: ';'}}}", "files.orders.decimal is ';', but must be \".\" or \",\"."),
        (
            "{files: {orders: {dates: dd/mm/yyyy}}}",
            "files.orders.dates is 'dd/mm/yyyy', but must be day/month/year, month/day/year or year-month-day.",
        ),
        (
            "{column_names: {orders: {orderid: Order No}}}",
            "column_names.orders names orderid, which is no column of the table: did you mean order_id?",
        ),
        (
            "{column_names: {orders: {order_id: 5}}}",
            "column_names.orders.order_id is 5, but must be a column's name in quotes.",
        ),
    ],
)
def test_a_wrong_setting_is_named(text, sentence):
    with pytest.raises(settings.SettingsError) as error:
        settings.check_settings(settings.defaults() | settings.given_settings(text))
    assert re.match(sentence.replace("?", r"\?"), str(error.value)), error.value


def test_each_setting_is_known_by_its_kind():
    assert settings.defaults().keys() == settings.KINDS.keys()
    settings.check_settings(
        settings.defaults()
        | settings.given_settings(
            "{as_of_date: 2026-06-30, naive_timestamps: {orders: Europe/Madrid}, max_days_without_orders: ,"
            " raw_tables: {orders: {model: shop_orders}, products: {database: a, schema: b, identifier: c}},"
            " files: {orders: {separator: ';', encoding: windows-1252, decimal: ',', dates: day/month/year, sheet: A}},"
            " column_names: {orders: {order_id: Order No}}}"
        )
    )
    settings.check_settings(settings.defaults() | {"as_of_date": date(2026, 6, 30)} | settings.given_settings(""))


def test_dbts_own_lines_are_left_out_of_a_sentence():
    message = (
        "Runtime Error in model seg_x (models/marts/segments/seg_x.sql)\n  Binder Error: no column foo\n  \n  LINE 3:"
        " select foo\n                 ^\n"
        "  > in macro check_segment (macros/segments.sql)\n  compiled code at target/run/seg_x.sql"
    )
    assert bare(message) == "Binder Error: no column foo"


def test_the_raw_value_that_a_reason_speaks_of():
    values = '{"order_id": "o1", "unit_price": "12,50", "status": null}'
    assert [
        example_of(reason, values)
        for reason in ("unreadable unit_price", "unknown or rejected order", "missing status")
    ] == ["12,50", "o1", None]


@pytest.mark.parametrize("reason, usual", [
    ("unreadable ordered_at", "dates like 31/01/2025"),
    ("unreadable unit_price", "decimal commas"),
    ("negative amount", "turned signs"),
    ("missing order_id", "under another name"),
    ("unknown or rejected order", "look at orders first"),
    ("unknown status", "the shop's own words"),
])
def test_a_reason_is_told_with_its_usual_cause(reason, usual):
    assert re.search(usual, advice(Rejected(reason, 7, None)))


def test_what_a_run_left_out_fits_the_screen():
    """Numbers stay in their columns; the reasons, which no screen is wide enough for, go below them."""
    lines = [
        ("table", "received", "rejected", "most often"),
        ("web_events", "2,004", "1", "1 x missing occurred_at"),
        ("orders", "100", "0", ""),
    ]
    wide = [
        "table       received  rejected  most often",
        "web_events     2,004         1  1 x missing occurred_at",
        "orders           100         0",
    ]
    assert aligned(lines) == aligned(lines, 55) == wide
    assert aligned(lines, 54) == [
        "table       received  rejected",
        "    most often",
        "web_events     2,004         1",
        "    1 x missing occurred_at",
        wide[-1],
    ]


def test_an_as_of_date_before_all_orders_is_told():
    ((sql, tell),) = [(sql, tell) for model, sql, tell in NOTES if model == "stg_orders"]
    with duckdb.connect() as connection:
        connection.execute(
            "create schema marts; create schema staging; create table marts.segments as select date '2020-01-01' as"
            " as_of_date;"
            "create table staging.stg_orders as select date '2024-01-01' + unnest([0, 1, 2]) as ordered_on"
        )
        assert tell(connection.execute(sql).fetchall()) == [
            "All 3 orders are of 2024-01-01 or later and count in nothing as of 2020-01-01: is as_of_date right?"
        ]
        connection.execute("update marts.segments set as_of_date = date '2024-01-01'")
        assert connection.execute(sql).fetchall() == []
