"""At a glance: headline figures, what changed since the date before, and where buyers stand."""

from datetime import timedelta
from typing import NamedTuple

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render
from ecommerce_segments.dashboard.wording import STAGES, number, percent, share_of


class Tile(NamedTuple):
    """A headline figure: its name, the columns that say what it means, the figure, what it is of, and how many
    customers it gained since the previous date, if that is known."""

    name: str
    meaning: list[str]
    value: str
    notes: list[str | None]
    gained: int | None = None


def glance(shop: Shop) -> str:
    """Headline figures, what changed since the previous date, most money first (else where the money is), and the
    buyers by lifecycle stage."""
    figures = shop.figures
    stages = {
        row["lifecycle_stage"]: row
        for row in shop.rows("""
        select lifecycle_stage, count(*) as customers, sum(net_revenue) as net_revenue
        from marts.customers group by lifecycle_stage
    """)
    }
    contactable = shop.rows("select count(*) as customers from marts.customers where is_contactable_by_email")[0][
        "customers"
    ]

    def size(*names: str) -> int:
        return sum(stages[name]["customers"] for name in names if name in stages)

    def gained(*names: str) -> int | None:
        return size(*names) - sum(shop.stage_before.get(name, 0) for name in names) if shop.stage_before else None

    buying = [stage for stage in STAGES if stage != "lead"]
    at_risk = stages.get("at_risk", {"customers": 0, "net_revenue": 0})
    tiles = [
        Tile(
            "Net revenue",
            ["shop_figures.net_revenue_365d"],
            shop.headline(figures["net_revenue_365d"]),
            [
                "whole shop, last 365 days",
                f"with {shop.money(shop.nobodys['net_revenue'])} of nobody known" if shop.nobodys else None,
                growth(shop),
            ],
        ),
        Tile(
            "Average order value",
            ["shop_figures.net_revenue_365d", "shop_figures.purchases_365d"],
            shop.money(figures["net_revenue_365d"] / figures["purchases_365d"])
            if figures["purchases_365d"]
            else "none",
            ["whole shop, last 365 days", f"{number(figures['purchases_365d'])} purchases"],
        ),
        Tile(
            "Customers",
            ["shop_figures.customers"],
            number(figures["customers"]),
            ["buyers and leads"],
            gained(*STAGES),
        ),
        Tile(
            "Buyers",
            ["shop_figures.buyers"],
            number(figures["buyers"]),
            [f"{percent(share_of(figures['buyers'], figures['customers']))} of customers"],
            gained(*buying),
        ),
        Tile(
            "Buyers at risk",
            ["customers.lifecycle_stage"],
            number(at_risk["customers"]),
            [f"{shop.money(at_risk['net_revenue'])} so far"],
            gained("at_risk"),
        ),
        Tile(
            "Reachable by email",
            ["customers.is_contactable_by_email"],
            number(contactable),
            [f"{percent(share_of(contactable, figures['customers']))} of customers"],
        ),
    ]
    changed = [segment for segment in shop.segments if segment["change"]]
    movers = sorted(changed, key=lambda segment: (-segment["stake"], -abs(segment["change"])))[:6]
    richest = sorted(
        (segment for segment in shop.segments if segment["net_revenue"]), key=lambda segment: -segment["net_revenue"]
    )[:6]
    buyers = [stages[name] | {"share": share_of(size(name), figures["buyers"]),
                              "share_of_money": share_of(stages[name]["net_revenue"], shop.net_revenue)}
              for name in buying if name in stages]
    lost = [row for row in buyers if row["lifecycle_stage"] in ("at_risk", "inactive")]
    return render("glance", shop, tiles=tiles, movers=movers, richest=richest, buyers=buyers,
                  of_other_sale=[segment for segment in shop.segments if segment["is_other_sale"]],
                  largest=max((max(row["share"], row["share_of_money"]) for row in buyers), default=0),
                  lost=sum(row["share"] for row in lost), lost_money=sum(row["share_of_money"] for row in lost))


def growth(shop: Shop) -> str | None:
    """Net revenue of the last 365 days against the 365 days before, where the shop sold all that time."""
    figures = shop.figures
    if not figures["first_purchased_on"]:
        return None
    if (
        figures["first_purchased_on"] > shop.as_of_date - timedelta(days=729)
        or not figures["net_revenue_previous_365d"]
    ):
        return "no full year before to compare with"
    ratio = share_of(
        figures["net_revenue_365d"] - figures["net_revenue_previous_365d"], figures["net_revenue_previous_365d"]
    )
    return ("+" if ratio > 0 else "") + percent(ratio) + " on the 365 days before"
