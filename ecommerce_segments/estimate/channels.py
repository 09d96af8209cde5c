"""What would be missing without each channel: removal effects of a Markov chain over the paths to purchases.

A path is the channels that a customer came by before a purchase, or without one; it goes from the start to conversion,
or to nothing. What follows on a channel is taken to depend on that channel alone. Without a channel, whoever came to it
would have gone away. (Anderl, Becker, von Wangenheim and Schumann 2016, doi.org/10.1016/j.ijresmar.2016.03.001)
"""

import numpy as np
import pandas as pd

from ecommerce_segments.dbt_session import DbtError, NotBuilt, Session
from ecommerce_segments.engines.source_tables import read

# How often what follows on what: from_channel (null: the start), to_channel (null: the end of the path, in conversion
# or not) and the net revenue of the purchases there. Equal channels that follow on each other count once. Paths to
# purchases are those of the rule linear; who bought nothing has one path, up to the last touch.
TRANSITIONS = """
with

purchases as (

    select * from {{ ref('int_purchases') }}
    where purchased_on > {{ days_ago(365) }}

),

paths_to_purchases as (

    select
        touches.order_id as path_id,
        touches.channel,
        touches.touched_at,
        touches.touch_kind,
        touches.touch_id,
        purchases.net_revenue
    from {{ ref('attributed_touches') }} as touches
    inner join purchases on touches.order_id = purchases.order_id
    where touches.rule = 'linear'

),

other_touches as (

    select
        coalesce('c' || touches.customer_id, 'v' || touches.visitor_id) as path_id,
        touches.*,
        case when touches.is_direct then 1 else 0 end as directness
    from {{ ref('int_touches') }} as touches
    left join (select distinct customer_id from purchases) as buyers on touches.customer_id = buyers.customer_id
    where
        touches.touched_on > {{ days_ago(365) }}
        and buyers.customer_id is null
        and (touches.customer_id is not null or {{ is_no_junk('touches.visitor_id') }})

),

last_touches as (

    select
        path_id,
        max(touched_on) as last_touched_on
    from other_touches
    group by path_id

),

in_window as (

    select
        other_touches.*,
        min(other_touches.directness) over (partition by other_touches.path_id) as least_directness
    from other_touches
    inner join last_touches on other_touches.path_id = last_touches.path_id
    where
        other_touches.touched_on
        > {{ days_after('last_touches.last_touched_on', '-' ~ var('attribution_window_days')) }}

),

touches as (

    select
        'purchase' as path_kind,
        path_id,
        channel,
        touched_at,
        touch_kind,
        touch_id,
        net_revenue
    from paths_to_purchases

    union all

    select
        'other' as path_kind,
        path_id,
        channel,
        touched_at,
        touch_kind,
        touch_id,
        null as net_revenue
    from in_window
    where directness = least_directness

),

steps as (

    select
        path_kind,
        channel,
        lag(channel) over (partition by path_kind, path_id order by {{ touch_order() }}) as former_channel,
        row_number() over (partition by path_kind, path_id order by {{ touch_order(descending=true) }}) as steps_to_end,
        net_revenue
    from touches

)

select
    former_channel as from_channel,
    channel as to_channel,
    false as is_conversion,
    count(*) as transitions,
    0.0 as net_revenue
from steps
where former_channel is null or former_channel <> channel
group by former_channel, channel

union all

select
    channel as from_channel,
    null as to_channel,
    path_kind = 'purchase' as is_conversion,
    count(*) as transitions,
    coalesce(sum(net_revenue), 0) as net_revenue
from steps
where steps_to_end = 1
group by channel, path_kind = 'purchase'
"""


def removal_effects(transitions: pd.DataFrame) -> pd.DataFrame:
    """The channels with their removal_effect, purchases and net_revenue (in its currency), the greatest effect first.

    transitions: the rows of TRANSITIONS, in any order. No row where no path ends in conversion.
    """
    columns = ["channel", "removal_effect", "purchases", "net_revenue"]
    converted = transitions[transitions["is_conversion"].astype(bool)]
    purchases, revenue = converted["transitions"].sum(), converted["net_revenue"].astype(float).sum()
    if not purchases:
        return pd.DataFrame(columns=columns)
    channels = sorted(set(transitions["from_channel"].dropna()))
    place = {channel: number for number, channel in enumerate(channels)}
    start, moves, converts = np.zeros(len(channels)), np.zeros((len(channels),) * 2), np.zeros(len(channels))
    leaves = np.zeros(len(channels))
    for row in transitions.itertuples():
        if pd.isna(row.from_channel):
            start[place[row.to_channel]] += row.transitions
            continue
        leaves[place[row.from_channel]] += row.transitions
        if not pd.isna(row.to_channel):
            moves[place[row.from_channel], place[row.to_channel]] += row.transitions
        elif row.is_conversion:
            converts[place[row.from_channel]] += row.transitions
    # How often a path that is at one channel is at another, then or later; so, too, whether it is ever there.
    visits = np.linalg.inv(np.eye(len(channels)) - moves / leaves[:, None])
    conversion_from = visits @ (converts / leaves)
    visited = start / start.sum() @ visits / visits.diagonal()
    conversion = start / start.sum() @ conversion_from
    # Without a channel, the paths that come to it convert no more.
    effect = visited * conversion_from / conversion
    share = effect / effect.sum()
    found = pd.DataFrame(
        {"channel": channels, "removal_effect": effect, "purchases": share * purchases, "net_revenue": share * revenue}
    )
    return found.sort_values(["removal_effect", "channel"], ascending=[False, True], ignore_index=True)[columns]


def read_transitions(session: Session) -> pd.DataFrame:
    """The rows of TRANSITIONS. Raises DbtError where there was no build with the marts that it asks."""
    try:
        return read(session, TRANSITIONS)
    except NotBuilt as error:
        raise DbtError("The mart attributed_touches is not built here yet: run `segments run` first.") from error


def told_of(effects: pd.DataFrame) -> str:
    """The channels with the greatest effects, in a sentence."""
    if effects.empty:
        return "Nothing is said of channels: there is no purchase in the last 365 days."
    best = ", ".join(f"{row.channel} {row.removal_effect:.0%}" for row in effects.head(5).itertuples())
    return f"Purchases that would be missing without a channel (Markov): {best}"
