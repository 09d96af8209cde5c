"""The command `segments`: what each subcommand is asked, and which function answers. Exit codes: 0 done; 1 a run
failed; 2 it could not start, in one sentence on stderr; 130 and 143 a signal ended it."""

import gc
import os
import sys
from collections.abc import Callable
from datetime import date, datetime
from types import ModuleType
from typing import TYPE_CHECKING, Any

import click

from ecommerce_segments import PROJECT, CannotDo
from ecommerce_segments.shop import Shop, this_shop, typed_path

# Loading dbt takes seconds: a command loads what it needs when it is called.
if TYPE_CHECKING:
    from ecommerce_segments.dbt_session import Session

DATE = click.DateTime(formats=["%Y-%m-%d"])
# By the variable that each stands for; segments.toml and variables are in shop.py.
SHOP_OPTIONS = {
    "SHOP_DIR": click.option(
        "--shop",
        "SHOP_DIR",
        metavar="DIR",
        help="Directory of the shop's segments.toml (this one, if it has such a file).",
    ),
    "RAW_DIR": click.option("--raw-dir", "RAW_DIR", metavar="DIR", help="Directory of the raw files (the demo's)."),
    "DATASET": click.option(
        "--name",
        "DATASET",
        metavar="NAME",
        help="Name of the shop; without other options, a sample: demo or complete_journey.",
    ),
    "DUCKDB_PATH": click.option(
        "--warehouse", "DUCKDB_PATH", metavar="FILE", help="The warehouse (warehouse/NAME.duckdb)."
    ),
    "PUBLISHED_DIR": click.option(
        "--published", "PUBLISHED_DIR", metavar="DIR", help="What readers see (published/NAME)."
    ),
    "CONNECTOR": click.option(
        "--connector",
        "CONNECTOR",
        metavar="NAME=DIR",
        multiple=True,
        help="Directory of the files of a connector, such as shopify_csv=exports; may stand several times.",
    ),
    "TARGET": click.option(
        "--target", "TARGET", metavar="TARGET", help="An output of profiles.yml: duckdb, postgres, spark, ..."
    ),
    "SET": click.option(
        "--set",
        "SET",
        metavar="NAME=VALUE",
        multiple=True,
        help="A setting, such as shop_timezone=Europe/Madrid; may stand several times.",
    ),
}


class Commands(click.Group):
    """Subcommands in the order in which they stand here: as a shop comes to need them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="ecommerce-segments")
def segments() -> None:
    """Customer segments from a shop's orders, sessions and email: build them, ask them, hand them on.

    Every command is about one shop: the demo, the one that segments.toml in this directory describes, or the one that
    options name.
    """
    # dbt makes millions of objects that live until the end: it is no use to look through them again and again.
    gc.set_threshold(200_000, 20, 100)


def command(name: str, example: str, of_a_shop: bool = True) -> Callable[[Callable[..., int | None]], click.Command]:
    """A subcommand with an example in its help. of_a_shop: it takes the options of a shop, and is given it as first
    argument."""
    def decorated(function: Callable[..., int | None]) -> click.Command:
        def asked(**arguments: Any) -> int | None:
            if not of_a_shop:
                os.chdir(PROJECT)
                return function(**arguments)
            options = {variable: arguments.pop(variable) for variable in SHOP_OPTIONS}
            options["SET"] = "\n".join(map(setting, options["SET"]))
            options["CONNECTOR"] = "\n".join(options["CONNECTOR"])
            return function(this_shop(options), **arguments)

        asked.__doc__ = function.__doc__
        for option in reversed(SHOP_OPTIONS.values()) if of_a_shop else ():
            option(asked)
        made = segments.command(name, epilog=f"Example: {example}")(asked)
        # Those of the command itself stand first in its help; click lists them from the last to the first.
        made.params[:0] = reversed(getattr(function, "__click_params__", []))
        return made
    return decorated


def setting(text: str) -> str:
    """NAME=VALUE as a line of YAML. Raises click.BadParameter where it is something else."""
    name, equals, value = text.partition("=")
    if not equals:
        raise click.BadParameter(f"{text!r} is no NAME=VALUE, such as shop_timezone=Europe/Madrid.", param_hint="--set")
    return f"{name.strip()}: {value}"


def run_options(function: Callable[..., int]) -> Callable[..., int]:
    """How a run tells what it does."""
    function = click.option("--verbose", is_flag=True, help="Say all that dbt has to say.")(function)
    return click.option("--json", "as_json", is_flag=True, help="Write events, one JSON object per line.")(function)


def session_of(shop: Shop) -> "Session":
    """The last build of the shop, to be asked."""
    from ecommerce_segments.dbt_session import Session

    return Session(shop.given)


def rebuild_option(function: Callable[..., int]) -> Callable[..., int]:
    """Whether a run is asked for in any case."""
    return click.option("--rebuild", is_flag=True, help="Build also where nothing has changed since the last run.")(
        function
    )


def built(shop: Shop, verbose: bool, as_json: bool, unless_unchanged: str | None = None) -> int:
    """Run the shop as a night does. unless_unchanged: the command that leaves it where nothing has changed.

    Returns the exit code.
    """
    from ecommerce_segments.build.telling import EventTeller, Teller
    from ecommerce_segments.build.unchanged import told_unchanged

    tell = EventTeller() if as_json else Teller(verbose)
    if unless_unchanged and told_unchanged(shop, unless_unchanged, tell):
        return 0
    from ecommerce_segments.build.nightly import nightly

    return nightly(shop, tell)


@command("run", "segments run --raw-dir /srv/shop/raw --set shop_timezone=Europe/Madrid")
@rebuild_option
@run_options
def run(shop: Shop, verbose: bool, as_json: bool, rebuild: bool) -> int:
    """Build the segments of a shop, audit and publish them, and show them. Where nothing has changed since the last run
    (files, settings, formulas, as-of date), only show them.

    Exit codes: 0 published, or nothing has changed; 1 a model, a test or the publishing failed; 2 it could not start;
    3 published, with a warning that the setting alerts_fail_from asks for; 130 and 143 a signal ended it.
    """
    code = built(shop, verbose, as_json, None if rebuild else "run")
    if code in (0, 3) and not as_json and shop.target == "duckdb":
        print(f"\n{overview_of(shop)}")
    return code


def overview_of(shop: Shop) -> str:
    """The published segments as text."""
    from ecommerce_segments.publish.overview import overview

    return overview(shop.published)


@command("nightly", "segments nightly --shop /srv/shop")
@rebuild_option
@run_options
def nightly(shop: Shop, verbose: bool, as_json: bool, rebuild: bool) -> int:
    """The same for a scheduler, without showing them.

    Exit codes: 0 published, or nothing has changed; 1 a model, a test or the publishing failed; 2 it could not start;
    3 published, with a warning that the setting alerts_fail_from asks for; 130 and 143 a signal ended it.
    run_report.json, beside what is published, has all that a monitor asks.
    """
    return built(shop, verbose, as_json, None if rebuild else "nightly")


@command("show", "segments show")
def show(shop: Shop) -> None:
    """Show the segments that are published, and where to look on."""
    print(overview_of(shop))


@command("rollback", "segments rollback")
def rollback(shop: Shop) -> None:
    """Let readers see the version that was published before this one."""
    from ecommerce_segments.build.run_lock import only_run
    from ecommerce_segments.publish import versions
    from ecommerce_segments.shop import shown

    with only_run():
        former = versions.rollback(shop.published)
        print(f"{shown(shop.published / 'current')} leads to {former.name} again.")
        versions.refresh_dashboard(shop.published)


@command("dashboard", "segments dashboard")
def dashboard(shop: Shop) -> None:
    """Write the dashboard of what is published once more."""
    from ecommerce_segments.build.run_lock import only_run
    from ecommerce_segments.publish.versions import refresh_dashboard

    with only_run():
        refresh_dashboard(shop.published)


@command("doctor", "segments doctor --shop /srv/shop")
def doctor(shop: Shop) -> int:
    """Look at versions, settings, files, permissions and disk, and say what a run would do. Changes nothing.

    Exit code 2 where a run could not start.
    """
    from ecommerce_segments.build.doctor import examine

    lines, is_well = examine(shop)
    print("\n".join(lines))
    return 0 if is_well else 2


def of_a_trait(function: Callable) -> Callable:
    """Whether the name is that of a trait."""
    return click.option("--trait", "is_trait", is_flag=True, help="A trait instead of a segment.")(function)


def register_of(is_trait: bool) -> ModuleType:
    from ecommerce_segments.define import register, trait_register

    return trait_register if is_trait else register


@command("new", "segments new weekend_shoppers", of_a_shop=False)
@click.argument("name")
@of_a_trait
def new(name: str, is_trait: bool) -> None:
    """Write the file and the register entry of a new segment, or of a new trait."""
    print(register_of(is_trait).add(name))


@command("remove", "segments remove weekend_shoppers", of_a_shop=False)
@click.argument("name")
@of_a_trait
def remove(name: str, is_trait: bool) -> None:
    """Remove the file, register entry and unit tests of a segment, or of a trait."""
    from ecommerce_segments.define import document

    print(register_of(is_trait).remove(name))
    document.write_segments_yaml()


@command("check", "segments check", of_a_shop=False)
def check() -> None:
    """Check the registers of segments and traits against their files."""
    for is_trait in (False, True):
        if wrong := register_of(is_trait).check():
            raise CannotDo(wrong)


@command("traits", "segments traits | grep margin")
def traits(shop: Shop) -> None:
    """List the traits of customers that a segment may ask: name, type, where it comes from, and meaning."""
    from ecommerce_segments.explore.traits import listed

    print(listed(shop.settings))


@command("preview", "segments preview weekend_shoppers")
@click.argument("name")
def preview(shop: Shop, name: str) -> None:
    """Say who a segment would hold, or who would have a trait, as its file stands now, without a build."""
    from ecommerce_segments.explore import preview

    print(preview.preview(session_of(shop), name))


@command("plan", "segments plan loyal_buyers --days 21 --holdout 20")
@click.argument("segment")
@click.option("--days", type=click.IntRange(1), default=21, show_default=True, help="How long the campaign lasts.")
@click.option(
    "--holdout", type=click.FloatRange(0, 50, min_open=True), default=20, show_default=True, help="Percent held out."
)
@click.option("--size", type=click.IntRange(1), help="Customers, if not those of the last build.")
def plan(shop: Shop, segment: str, days: int, holdout: float, size: int | None) -> None:
    """Say how large the effect of a campaign must be to be shown, from the past of the same length
    (docs/campaigns.md)."""
    from ecommerce_segments.explore import plan

    print(plan.plan(session_of(shop), segment, days, holdout, size))


@command("explain", "segments explain C01234")
@click.argument("customer")
def explain(shop: Shop, customer: str) -> None:
    """Say which segments hold a customer, and which values put them in or keep them out."""
    from ecommerce_segments.explore import explain

    print(explain.explain(session_of(shop), customer))


@command("metrics", "segments metrics net_revenue,average_order_value --by metric_time__month")
@click.argument("metrics", default="")
@click.option("--by", default="", metavar="DIMENSIONS", help="What to group by, parted by commas.")
@click.option(
    "--where", default="", metavar="CONDITION", help="Which rows to count, in MetricFlow's words (docs/metrics.md)."
)
def metrics(shop: Shop, metrics: str, by: str, where: str) -> None:
    """Ask for metrics of what is published, parted by commas; without METRICS, list them."""
    from ecommerce_segments.explore.metrics import ask

    print(ask(shop, metrics, by, where))


@command("mcp", "segments mcp --shop /srv/shop")
@click.option("--rows", type=click.IntRange(1, 10_000), default=200, show_default=True, help="The most of an answer.")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 600), default=10, show_default=True, help="The longest that SQL may run."
)
def mcp(shop: Shop, rows: int, seconds: float) -> None:
    """Answer an assistant's questions about what is published, by the Model Context Protocol, on stdin and stdout
    (docs/ask.md). It reads alone, and no contact data."""
    if shop.target != "duckdb":
        raise CannotDo(f"The target {shop.target} publishes no files: mcp reads those that are published on DuckDB.")
    try:
        from ecommerce_segments.ask.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise CannotDo(
            "The package mcp is not installed: `make .venv/installed-mcp` does it, in the project's directory."
        ) from None
    serve(shop, rows, seconds)


@command("export", "segments export loyal_buyers --phones")
@click.argument("segment", required=False)
@click.option("--campaign", metavar="ID", help="Whom a campaign is for, without those who are held out.")
@click.option("--suppressions", is_flag=True, help="Whom to leave out.")
@click.option("--journeys", is_flag=True, help="The messages of journeys that are due by tomorrow.")
@click.option("--messages", is_flag=True, help="The one message of each customer for tomorrow.")
@click.option("--phones", is_flag=True, help="Also the phones, for matching.")
@click.option("--sms", is_flag=True, help="Also whom messages on a phone may reach.")
@click.option(
    "--format",
    "name",
    type=click.Choice(["klaviyo", "mailchimp", "brevo", "csv", "meta", "google_ads", "tiktok"]),
    help="Only the file that this tool takes, of a segment.",
)
@click.option("--changes", is_flag=True, help="Of a format: what changed since the last acknowledged export.")
@click.option("--ack", is_flag=True, help="Of a format or journeys: the last export is imported; go on after it.")
@click.option("--dir", "directory", metavar="DIR", help="Where the files go (exports/<segment>_<as-of date>).")
def export(
    shop: Shop,
    segment: str | None,
    campaign: str | None,
    suppressions: bool,
    journeys: bool,
    messages: bool,
    phones: bool,
    sms: bool,
    name: str | None,
    changes: bool,
    ack: bool,
    directory: str | None,
) -> None:
    """Write CSV files for email tools and ad platforms: of a SEGMENT, of a campaign, of whom to leave out, or of what
    is due (docs/audiences.md)."""
    from ecommerce_segments.activate.export import export

    where, about = directory and typed_path(directory), (name, changes, ack, shop.published, journeys, messages)
    print(export(session_of(shop), segment, campaign, suppressions, phones, sms, where, *about))


@command("erase", "segments erase C01234")
@click.argument("customer")
@run_options
def erase(shop: Shop, customer: str, verbose: bool, as_json: bool) -> int:
    """Leave a person out of all marts, the history and the published versions, and build again.

    Also called `forget`.
    """
    from ecommerce_segments.publish.erase import erase

    print(erase(session_of(shop), customer), flush=True)
    return built(shop, verbose, as_json)


segments.add_command(
    click.Command(
        "forget", params=erase.params, callback=erase.callback, help=erase.help, epilog=erase.epilog, hidden=True
    )
)


@command("backfill", "segments backfill --from 2024-07-31 --to 2026-05-31 --every month")
@click.option("--from", "first", type=DATE, required=True, metavar="DATE", help="The first date.")
@click.option("--to", "last", type=DATE, required=True, metavar="DATE", help="The last date.")
@click.option("--every", type=click.Choice(["day", "week", "month"]), required=True)
def backfill(shop: Shop, first: datetime, last: datetime, every: str) -> None:
    """Build the history of segments for past dates."""
    from ecommerce_segments.build import backfill
    from ecommerce_segments.build.run_lock import only_run
    from ecommerce_segments.shop import shown

    days = backfill.asked_days(as_date(first), as_date(last), every)
    if not shop.warehouse.exists():
        raise CannotDo(f"There is no warehouse {shown(shop.warehouse)}: run `segments run` first.")
    with only_run():
        backfill.backfill(shop.warehouse, days, shop.given)
    print("The history is in its place: segment_history, segment_sizes, segment_transitions.")


def as_date(moment: datetime) -> date:
    """The date of click's moment."""
    return moment.date()


@command("estimate", "segments estimate")
def estimate(shop: Shop) -> None:
    """Estimate from the last build what each buyer will buy, and what would be missing without each channel.

    Also called `predict`.
    """
    from ecommerce_segments.estimate.step import TABLES, estimate_all

    print("\n".join([*estimate_all(session_of(shop)), f"{', '.join(TABLES)} are in the schema marts."]))


segments.add_command(
    click.Command(
        "predict",
        params=estimate.params,
        callback=estimate.callback,
        help=estimate.help,
        epilog=estimate.epilog,
        hidden=True,
    )
)


@command("backtest", "segments backtest", of_a_shop=False)
def backtest() -> None:
    """Compare predictions with what customers then did, on three shops (docs/predictions.md)."""
    from ecommerce_segments.estimate.backtest import write_backtests

    write_backtests()


@command("docs", "segments docs")
def docs(shop: Shop) -> None:
    """Write docs/segments.md and the segments' YAML, and after a build the page of all models,
    target/static_index.html."""
    from ecommerce_segments.define import document

    document.write_pages()
    print(f"Wrote {document.PAGE} and {document.YAML}.", flush=True)
    document.write_site(session_of(shop))
    print("Wrote target/static_index.html.")


@command("load", "segments load --target postgres --raw-dir /srv/shop/raw")
def load(shop: Shop) -> None:
    """Load a shop's raw files into the warehouse of a target: postgres or spark (docs/postgres.md, docs/spark.md)."""
    if shop.target == "postgres":
        from ecommerce_segments.engines.load_postgres import load_shop
    elif shop.target == "spark":
        from ecommerce_segments.engines.load_spark import load_shop
    else:
        raise CannotDo(
            f"The target {shop.target} takes no files: load is for --target postgres and --target spark. On DuckDB"
            " files are read in place."
        )
    load_shop(shop)


@command("expire-snapshots", "segments expire-snapshots --days 7", of_a_shop=False)
@click.option(
    "--days",
    type=float,
    default=1,
    show_default=True,
    help="States that are older go; 0 leaves the present ones alone.",
)
def expire_snapshots(days: float) -> None:
    """Remove what the tables of a Spark warehouse were before, with its files (docs/spark.md)."""
    from ecommerce_segments.engines.expire_snapshots import expire
    from ecommerce_segments.engines.spark_session import spark_session

    print(f"Removed {expire(spark_session(), days):,} files of former states.")


def main(words: list[str] | None = None) -> int:
    """Run the command line, or these words in its place. Returns the exit code."""
    try:
        if not (PROJECT / "dbt_project.yml").exists():
            raise CannotDo("The command works in a clone of the project: install it there, by `make run`.")
        return segments.main(words, prog_name="segments", standalone_mode=False) or 0
    except click.Abort:
        print("Stopped.", file=sys.stderr)
        return 130
    except click.ClickException as error:
        error.show()
        return 2
    except CannotDo as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
