"""Next messages: for how many the next message is of each segment, how many of these are held back, and why."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def messages(shop: Shop) -> str:
    """The sums of the mart `next_messages` by segment, the one that is chosen first on top."""
    rows = shop.rows("""
        select segments.title, count(*) as customers, count(held_back_by) as held_back, min(marketing_goal) as goal,
            count(nullif(held_back_by = 'mailed often', false)) as mailed_often,
            count(nullif(held_back_by = 'held out', false)) as held_out,
            count(nullif(held_back_by = 'global holdout', false)) as in_global_holdout
        from marts.next_messages inner join (select segment, title from marts.segments) as segments using (segment)
        group by priority, segments.title order by priority, segments.title
    """)
    return render("messages", shop, rows=rows)
