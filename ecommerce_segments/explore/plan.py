"""Say what a campaign could show before it begins: the least difference that its arms would show, from the past of the
same length."""

from math import hypot, sqrt
from typing import NamedTuple

from ecommerce_segments.dbt_session import DbtError, Session
from ecommerce_segments.define.register import registered
from ecommerce_segments.settings import did_you_mean

# Standard normal quantiles: of a two-sided 95 % interval, and of 80 % power.
INTERVAL, POWER = 1.959964, 0.841621


class Past(NamedTuple):
    """What a segment's people did without the campaign, per person: shares from 0 to 1, money in the reporting
    currency."""

    people: int
    buyers: int
    mean_revenue: float
    revenue_deviation: float
    conversion_removed: float
    revenue_removed: float
    is_from_history: bool


class Least(NamedTuple):
    """The least differences that would be shown: in the share of buyers, and in net revenue per person, each of the
    means and with CUPED."""

    conversion: float
    cuped_conversion: float
    revenue: float
    cuped_revenue: float


def plan(session: Session, segment: str, days: int, holdout: float, size: int | None = None) -> str:
    """The plan as text. days: length of the campaign; holdout: percent held out, above 0; size: customers of the
    segment when it begins, those of the last build if None. Raises DbtError where there is no such segment."""
    segment = segment.removeprefix("seg_")
    names = [entry["name"] for entry in registered()]
    if segment not in names:
        raise DbtError(f"There is no segment {segment}{did_you_mean(segment, names) or '.'}")
    if size is None:
        found = session.rows(f"select customers from {{{{ ref('segments') }}}} where segment = '{segment}'")
        size = int(found[0]["customers"]) if found else 0
    held_out = round(size * holdout / 100)
    lines = [
        f"A campaign to {segment}, as of {session.as_of_date}: {size:,} customers, {size - held_out:,} treated and "
        f"{held_out:,} held out ({holdout:g} %), for {days} days."
    ]
    past = past_of(session.rows(past_sql(segment, days))[0])
    if min(held_out, size - held_out) < 2 or past.people < 2:
        return "\n".join([*lines, "That is too few to compare."])
    least = least_differences(past, size - held_out, held_out)
    smallest = int(session.rows("select {{ var('min_arm_customers') }} as customers")[0]["customers"])
    if min(held_out, size - held_out) < smallest:
        lines.append(f"An arm would hold fewer than min_arm_customers ({smallest}): no result would be shown.")
    if past.is_from_history:
        lines.append(f"In the last {days} days, of the {past.people:,} who were in it before them, ")
    else:
        lines.append(f"The history does not go back {days} days. Of the {past.people:,} who are in it today, ")
    lines[-1] += (
        f"{past.buyers:,} bought ({past.buyers / past.people:.1%}), for {past.mean_revenue:,.2f} per person."
    )
    if not past.is_from_history:
        lines.append("A segment that asks for the latest purchase can differ much from what its people do next.")
    shares = [f"{100 * share:.2f}" for share in (least.conversion, least.cuped_conversion)]
    return "\n".join([
        *lines,
        "A difference of this size or more would be shown in four of five such campaigns:",
        f"  share who buy            {shares[0]} points, with CUPED {shares[1]}",
        f"  net revenue per person   {least.revenue:,.2f}, with CUPED {least.cuped_revenue:,.2f}",
        "A smaller one is not shown for lack of people: hold out more, or let it last longer.",
    ])


def least_differences(past: Past, treated: int, held_out: int) -> Least:
    """What arms of these sizes show with 80 % power, if both vary as the past did."""
    share = past.buyers / past.people
    conversion = least_conversion(share, treated, held_out)
    revenue = (INTERVAL + POWER) * sqrt(1 / treated + 1 / held_out) * past.revenue_deviation
    return Least(
        conversion,
        conversion * sqrt(1 - past.conversion_removed),
        revenue,
        revenue * sqrt(1 - past.revenue_removed),
    )


def least_conversion(share: float, treated: int, held_out: int) -> float:
    """The least rise of a share for which the lower limit of Newcombe's interval is above 0 with 80 % power; what is
    left to 1 where not even that is shown."""
    low, high = 0.0, 1 - share
    for _ in range(50):
        rise = (low + high) / 2
        raised = share + rise
        below = hypot(raised - wilson_limit(raised, treated, -1), wilson_limit(share, held_out, 1) - share)
        error = sqrt(raised * (1 - raised) / treated + share * (1 - share) / held_out)
        low, high = (low, rise) if rise > below + POWER * error else (rise, high)
    return high


def wilson_limit(share: float, people: int, side: int) -> float:
    """The upper (side 1) or lower (-1) limit of Wilson's 95 % interval of a share."""
    squared = INTERVAL**2
    root = sqrt(squared * (squared + 4 * people * share * (1 - share)))
    return (2 * people * share + squared + side * root) / (2 * (people + squared))


def past_of(row: dict) -> Past:
    """The row of past_sql, in Python's numbers."""
    spread, spread_before = (float(row[name] or 0) for name in ("revenue_spread", "past_spread"))
    buyer_spread, people = float(row["buyer_spread"] or 0), int(row["people"])

    def removed(both: str, own: float) -> float:
        return min(float(row[both] or 0) ** 2 / (own * spread_before), 1.0) if own > 0 < spread_before else 0.0

    return Past(
        people,
        int(row["buyers"] or 0),
        float(row["mean_revenue"] or 0),
        sqrt(spread / (people - 1)) if people > 1 else 0.0,
        removed("buyer_past", buyer_spread),
        removed("revenue_past", spread),
        bool(int(row["is_from_history"])),
    )


def past_sql(segment: str, days: int) -> str:
    """SQL, with Jinja: a row with what the people of a segment bought in the last `days` days, and in the 180 days
    before, as sums of squares and products of deviations. They are those who were in it before, by the history; of a
    history that does not go back so far those of today."""
    return f"""
with history as (
    select * from {{{{ ref('membership_changes') }}}} where as_of_date <= {{{{ days_ago({days}) }}}}
),
counted as (
    select case when count(*) > 0 then 1 else 0 end as is_from_history from history
),
frozen as (
    select customer_id from history
    where kind = 'segment' and state = '{segment}' and customer_id is not null
    group by customer_id having sum({{{{ customers_gained() }}}}) = 1
),
people as (
    select distinct accounts.customer_id
    from frozen inner join {{{{ ref('int_known_ids') }}}} as accounts on frozen.customer_id = accounts.account_id
    union
    select members.customer_id
    from {{{{ ref('segment_memberships') }}}} as members cross join counted
    where members.segment = '{segment}' and counted.is_from_history = 0
),
purchases as (
    select
        customer_id,
        cast(net_revenue as {{{{ double_type() }}}}) as net_revenue,
        case when purchased_on > {{{{ days_ago({days}) }}}} then 1.0 else 0.0 end as is_recent
    from {{{{ ref('int_purchases') }}}}
    where purchased_on > {{{{ days_ago({days + 180}) }}}}
),
spent as (
    select
        people.customer_id,
        cast(coalesce(max(is_recent), 0) as {{{{ double_type() }}}}) as buyer,
        coalesce(sum(case when is_recent = 1 then net_revenue end), 0) as revenue,
        coalesce(sum(case when is_recent = 0 then net_revenue end), 0) as past
    from people
    left join purchases on people.customer_id = purchases.customer_id
    group by people.customer_id
),
means as (
    select avg(buyer) as buyer, avg(revenue) as revenue, avg(past) as past from spent
)
select
    count(spent.customer_id) as people,
    sum(spent.buyer) as buyers,
    avg(spent.revenue) as mean_revenue,
    sum(power(spent.revenue - means.revenue, 2)) as revenue_spread,
    sum(power(spent.buyer - means.buyer, 2)) as buyer_spread,
    sum(power(spent.past - means.past, 2)) as past_spread,
    sum((spent.revenue - means.revenue) * (spent.past - means.past)) as revenue_past,
    sum((spent.buyer - means.buyer) * (spent.past - means.past)) as buyer_past,
    max(counted.is_from_history) as is_from_history
from counted cross join means left join spent on 1 = 1"""
