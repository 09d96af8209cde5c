"""Write the dashboard: one HTML file of the marts that needs no server and no network.

publish/versions.py calls it. Each section stands in SECTIONS with the marts that it needs, and is left out where one of
them is absent. To find one: sections/NAME.py asks the marts (figures.py), and templates/NAME.html writes what it found.
"""

from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import duckdb
from markupsafe import Markup

from ecommerce_segments.dashboard.figures import DashboardError, Shop
from ecommerce_segments.dashboard.rendering import PARTS, render
from ecommerce_segments.dashboard.sections.acquisition import acquisition
from ecommerce_segments.dashboard.sections.alerts import alerts
from ecommerce_segments.dashboard.sections.campaigns import campaigns
from ecommerce_segments.dashboard.sections.channels import channels
from ecommerce_segments.dashboard.sections.churn import churn
from ecommerce_segments.dashboard.sections.delivered import delivered
from ecommerce_segments.dashboard.sections.each_segment import each_segment
from ecommerce_segments.dashboard.sections.flows import flows
from ecommerce_segments.dashboard.sections.funnel import funnel
from ecommerce_segments.dashboard.sections.glance import glance
from ecommerce_segments.dashboard.sections.messages import messages
from ecommerce_segments.dashboard.sections.over_time import over_time
from ecommerce_segments.dashboard.sections.overlaps import overlaps
from ecommerce_segments.dashboard.sections.predictions import predictions
from ecommerce_segments.dashboard.sections.products import products
from ecommerce_segments.dashboard.sections.retention import retention
from ecommerce_segments.dashboard.sections.returning import returning
from ecommerce_segments.dashboard.sections.rfm import rfm
from ecommerce_segments.dashboard.sections.today import today
from ecommerce_segments.dashboard.sections.value import value
from ecommerce_segments.whole_files import write_whole


@dataclass(frozen=True)
class Section:
    """A section of the page: its anchor and heading, the marts without which it is left out, and the function that
    writes it."""

    anchor: str
    title: str
    marts: tuple[str, ...]
    write: Callable[[Shop], str]


SECTIONS = [
    Section("glance", "At a glance", (), glance),
    Section("alerts", "Warnings", ("alerts",), alerts),
    Section("today", "Segments today", (), today),
    Section("messages", "Next messages", ("next_messages",), messages),
    Section("value", "Value and margin", ("segment_performance", "purchases"), value),
    Section("returning", "New and returning buyers", ("revenue_by_buyer_type",), returning),
    Section("acquisition", "Cost of new buyers", ("acquisition_costs",), acquisition),
    Section("channels", "Which channels bring purchases", ("channel_performance",), channels),
    Section("retention", "Who comes back", ("cohort_retention", "repeat_purchases"), retention),
    Section("churn", "Who is lost", ("churn_monthly",), churn),
    Section(
        "predictions",
        "What buyers will probably do",
        ("customer_predictions", "prediction_fits", "prediction_calibration"),
        predictions,
    ),
    Section(
        "products",
        "What goes with what, and what is due",
        ("gateway_products", "product_affinities", "product_replenishments", "due_products"),
        products,
    ),
    Section("funnel", "The funnel", ("funnel_monthly",), funnel),
    Section("campaigns", "What campaigns brought", ("campaign_lift",), campaigns),
    Section("time", "Segments over time", ("segment_sizes",), over_time),
    Section("rfm", "Recency and frequency", (), rfm),
    Section("flows", "Who moved", ("segment_sizes", "segment_transitions"), flows),
    Section("overlaps", "Overlaps", ("segment_overlaps",), overlaps),
    Section("delivered", "Delivered data", ("data_quality",), delivered),
    Section("segments", "Each segment", (), each_segment),
]


def page(shop: Shop) -> str:
    """The whole page as HTML: the sections whose marts are there, with style and scripts inside."""
    sections = [(section, section.write(shop)) for section in SECTIONS if shop.marts.issuperset(section.marts)]
    scripts = [(PARTS / name).read_text() for name in ("charts.js", "page.js")]
    # Only these two scripts may run, and nothing may be loaded.
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src " + " ".join(
        f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    return render("page", shop, sections=sections, scripts=[Markup(script) for script in scripts], policy=policy,
                  style=Markup((PARTS / "style.css").read_text()))


def write_dashboard(database: Path, path: Path, is_simulated: bool = False) -> None:
    """Write the dashboard of a built shop.

    database: path of a DuckDB file with the schema `marts`; it is opened read-only. path: the page to write, of which a
    reader never sees half. is_simulated: the page says that people and orders are made up.
    Raises DashboardError where the file cannot be read or holds no built shop.
    """
    try:
        with duckdb.connect(database, read_only=True) as connection:
            content = page(Shop(connection, is_simulated))
    except duckdb.IOException as error:
        raise DashboardError(f"{database} cannot be read: {str(error).splitlines()[0]}") from error
    write_whole(path, content)
