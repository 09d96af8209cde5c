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
# Held-out groups whose time is over and whose result may be trusted, and the net revenue that last touch credits in
# their days: of a campaign to what carries its id, of all messages of a quarter to emails.
HELD_OUT = """
    select marketing_campaign_id as name, marketing_campaign_id as campaign_id, starts_on, ends_on, treated_customers,
        net_revenue_lift, net_revenue_lift_from, net_revenue_lift_to
    from marts.campaign_lift where is_over and is_split_as_promised and net_revenue_lift is not null
"""
HELD_OUT_OF_ALL = """
    union all
    select 'All messages of ' || calendar_quarter, null, starts_on, ends_on, treated_customers,
        net_revenue_lift, net_revenue_lift_from, net_revenue_lift_to
    from marts.programme_lift where is_final and is_split_as_promised and net_revenue_lift is not null
"""
CREDITED_AND_CAUSED = """
    select
        held_out.name, held_out.starts_on, held_out.ends_on,
        held_out.net_revenue_lift * held_out.treated_customers as caused,
        held_out.net_revenue_lift_from * held_out.treated_customers as caused_from,
        held_out.net_revenue_lift_to * held_out.treated_customers as caused_to,
        string_agg(distinct touches.channel, ', ' order by touches.channel) as channels,
        sum(touches.net_revenue) as credited
    from ({held_out}) as held_out
    left join marts.attributed_touches as touches
        on touches.rule = 'last_touch' and touches.purchased_on between held_out.starts_on and held_out.ends_on
        and case when held_out.campaign_id is null then touches.touch_kind = 'email'
            else touches.campaign_id = held_out.campaign_id end
    group by all
    order by held_out.starts_on desc, held_out.name
    limit 6
"""


def channels(shop: Shop) -> str:
    """Each channel's share of net revenue by rule, its spend and return, and the held-out groups whose effect
    is known."""
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
    held_out = HELD_OUT + (HELD_OUT_OF_ALL if "programme_lift" in shop.marts else "")
    return render(
        "channels",
        shop,
        channels=shown,
        rest=len(found) - len(shown),
        rules=RULES,
        of_all=of_all,
        span=span(recent) if recent else None,
        has_effects=bool(effects_of_all),
        held_out=shop.rows(CREDITED_AND_CAUSED.format(held_out=held_out)) if can_compare else [],
    )
