"""Which channels bring purchases: what each is credited with by each rule, and what held-out groups say beside it."""

from decimal import Decimal

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.months import last_months, months_before, ratio, span, total
from ecommerce_segments.dashboard.rendering import render

# In the order of the table. A phone shows those that stand first.
RULES = {
    "last_touch": "Last touch",
    "first_touch": "First touch",
    "linear": "Linear",
    "position_based": "Position",
    "time_decay": "Decay",
}
MOST_CHANNELS = 10
# Campaigns that are over, with a result that may be trusted, and the net revenue that last touch credits in their days
# to what carries the campaign's id.
CREDITED_AND_CAUSED = """
    select
        lift.marketing_campaign_id, lift.starts_on, lift.ends_on, lift.treated_customers,
        lift.net_revenue_lift * lift.treated_customers as caused,
        lift.net_revenue_lift_from * lift.treated_customers as caused_from,
        lift.net_revenue_lift_to * lift.treated_customers as caused_to,
        string_agg(distinct touches.channel, ', ' order by touches.channel) as channels,
        sum(touches.net_revenue) as credited
    from marts.campaign_lift as lift
    left join marts.attributed_touches as touches
        on lift.marketing_campaign_id = touches.campaign_id and touches.rule = 'last_touch'
        and touches.purchased_on between lift.starts_on and lift.ends_on
    where lift.net_revenue_lift is not null and lift.is_over and lift.is_split_as_promised
    group by all
    order by lift.starts_on desc, lift.marketing_campaign_id
    limit 6
"""


def channels(shop: Shop) -> str:
    """Each channel's share of net revenue by rule, its spend and return, and the campaigns whose effect is known."""
    rows = shop.rows("from marts.channel_performance")
    # A month is over where the next one begins no later than the day after the as-of date.
    whole = [row for row in rows if months_before(row["month"], -1).toordinal() <= shop.as_of_date.toordinal() + 1]
    recent = last_months(whole) if whole else []
    of_all = sum((row["net_revenue"] for row in recent if row["rule"] == "linear"), Decimal(0))
    effects = {}
    if "channel_removal_effects" in shop.marts:
        effects = {row["channel"]: row for row in shop.rows("from marts.channel_removal_effects")}
    effects_of_all = sum((row["net_revenue"] for row in effects.values()), Decimal(0))

    def figures(channel: str) -> dict:
        mine = {rule: [row for row in recent if (row["channel"], row["rule"]) == (channel, rule)] for rule in RULES}
        credited = {rule: total(part, "net_revenue") or Decimal(0) for rule, part in mine.items()}
        # The same under each rule; but where nothing is spent, a rule that credits the channel with nothing has no row.
        spend = max(total(part, "spend") or Decimal(0) for part in mine.values()) or None
        return {
            "channel": channel,
            "shares": {rule: ratio(money, of_all) for rule, money in credited.items()},
            "linear": credited["linear"],
            "spend": spend,
            "returned": [money for money in (ratio(credited[rule], spend) for rule in RULES) if money is not None],
            "removal": ratio(effects[channel]["net_revenue"], effects_of_all) if channel in effects else None,
        }

    found = sorted(
        map(figures, {row["channel"] for row in recent}),
        key=lambda row: (row["channel"] == "none", -row["linear"], row["channel"]),
    )
    shown = [*found[:MOST_CHANNELS], *(row for row in found[MOST_CHANNELS:] if row["channel"] == "none")]
    can_compare = {"campaign_lift", "attributed_touches"} <= shop.marts
    return render(
        "channels",
        shop,
        channels=shown,
        rest=len(found) - len(shown),
        rules=RULES,
        of_all=of_all,
        span=span(recent) if recent else None,
        has_effects=bool(effects_of_all),
        campaigns=shop.rows(CREDITED_AND_CAUSED) if can_compare else [],
    )
