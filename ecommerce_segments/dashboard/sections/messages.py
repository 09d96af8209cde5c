"""Next messages: for how many the next message is of each segment, and how many of these are held back."""

from ecommerce_segments.dashboard.figures import Shop
from ecommerce_segments.dashboard.rendering import render


def messages(shop: Shop) -> str:
    """The sums of the mart `next_messages` by segment, the one that is chosen first on top."""
    rows = shop.rows("""
        select segments.title, count(*) as customers, count(held_back_by) as held_back, min(marketing_goal) as goal
        from marts.next_messages inner join (select segment, title from marts.segments) as segments using (segment)
        group by priority, segments.title order by priority, segments.title
    """)
    return render("messages", shop, rows=rows)
