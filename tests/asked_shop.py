"""A shop of eight customers, whose figures can be worked out by hand: what tests/test_ask.py asks.

    customer           purchases (net revenue, cost of goods)
    c1                 2026-01-15 50, 20    2026-03-15 40, 10    2026-06-15 50, 20
    c2                 2025-12-01 100 - 50 refunded, 40          2026-06-01 20, 5
    c3                 2024-05-01 50, 20
    c4, c5             none; c4 is subscribed
    c6                 2026-06-20 20 - 5 discount, 5
    gus@example.com    2025-08-01 20, 5: an account whose id is an email
    guest              2026-05-01 50, 20: hal@example.com
"""

from pathlib import Path

AS_OF_DATE = "2026-06-30"
SETTINGS = {
    "shop_timezone": "UTC",
    "reporting_currency": "EUR",
    # So that it is shown that contact data is out of reach where it is published, too.
    "publish_contact_data": True,
    "custom_traits": [
        {"name": "nickname", "type": "text", "description": "What friends say. Null where nobody does."},
        {"name": "points", "type": "number", "description": "Points of the card."},
    ],
}
SECRETS = ["ann@", "+4915112345", "Annabel", "Zimmer", "10115", "1990-02-03", "hal@", "gus@", "Nan the Great"]
TABLES = {
    "customers": """
customer_id,email,phone,first_name,last_name,postal_code,birth_date,country_code,city,created_at,acquisition_channel,email_consent,email_consent_at,updated_at
c1,ann@example.com,+4915112345678,Annabel,Zimmer,10115,1990-02-03,DE,Berlin,2025-01-10T08:00:00Z,paid_search,subscribed,2025-01-10T08:00:00Z,2025-01-10T08:00:00Z
c2,bob@example.com,,,,,,DE,Hamburg,2025-02-10T08:00:00Z,organic_search,subscribed,2025-02-10T08:00:00Z,2025-02-10T08:00:00Z
c3,cat@example.com,,,,,,FR,Paris,2024-04-10T08:00:00Z,organic_search,unsubscribed,2024-04-10T08:00:00Z,2024-04-10T08:00:00Z
c4,dan@example.com,,,,,,FR,Lyon,2026-06-10T08:00:00Z,direct,subscribed,2026-06-10T08:00:00Z,2026-06-10T08:00:00Z
c5,eve@example.com,,,,,,ES,Madrid,2026-02-10T08:00:00Z,direct,,,2026-02-10T08:00:00Z
c6,fay@example.com,,,,,,DE,Berlin,2026-06-19T08:00:00Z,paid_search,,,2026-06-19T08:00:00Z
gus@example.com,gus@example.com,,,,,,ES,Madrid,2025-07-01T08:00:00Z,referral,,,2025-07-01T08:00:00Z
""",
    "products": """
product_id,product_name,category,price,unit_cost,updated_at
p1,Boots,shoes,50,20,2024-01-01T00:00:00Z
p2,Cap,hats,20,5,2024-01-01T00:00:00Z
""",
    "orders": """
order_id,customer_id,email,ordered_at,status,currency,updated_at
o1,c1,,2026-01-15T10:00:00Z,paid,EUR,2026-01-15T10:00:00Z
o2,c1,,2026-03-15T10:00:00Z,paid,EUR,2026-03-15T10:00:00Z
o3,c1,,2026-06-15T10:00:00Z,paid,EUR,2026-06-15T10:00:00Z
o4,c2,,2025-12-01T10:00:00Z,paid,EUR,2025-12-01T10:00:00Z
o5,c2,,2026-06-01T10:00:00Z,paid,EUR,2026-06-01T10:00:00Z
o6,c3,,2024-05-01T10:00:00Z,paid,EUR,2024-05-01T10:00:00Z
o7,c6,,2026-06-20T10:00:00Z,paid,EUR,2026-06-20T10:00:00Z
o8,gus@example.com,,2025-08-01T10:00:00Z,paid,EUR,2025-08-01T10:00:00Z
o9,,hal@example.com,2026-05-01T10:00:00Z,paid,EUR,2026-05-01T10:00:00Z
""",
    "order_lines": """
order_line_id,order_id,product_id,quantity,unit_price,discount_amount,updated_at
l1,o1,p1,1,50,,2024-01-01T00:00:00Z
l2,o2,p2,2,20,,2024-01-01T00:00:00Z
l3,o3,p1,1,50,,2024-01-01T00:00:00Z
l4,o4,p1,2,50,,2024-01-01T00:00:00Z
l5,o5,p2,1,20,,2024-01-01T00:00:00Z
l6,o6,p1,1,50,,2024-01-01T00:00:00Z
l7,o7,p2,1,20,5,2024-01-01T00:00:00Z
l8,o8,p2,1,20,,2024-01-01T00:00:00Z
l9,o9,p1,1,50,,2024-01-01T00:00:00Z
""",
    "refunds": """
refund_id,order_id,order_line_id,refunded_at,amount,reason,updated_at
r1,o4,l4,2025-12-10T10:00:00Z,50,size,2025-12-10T10:00:00Z
""",
    "marketing_spend": """
spend_date,channel,amount,currency
2026-06-02,paid_search,30,EUR
""",
    "custom_traits": """
customer_id,trait,value,updated_at
c1,nickname,Nan the Great,2026-01-01T00:00:00Z
c1,points,12,2026-01-01T00:00:00Z
""",
}


def write_asked_shop(directory: Path) -> None:
    """Write the raw files of the shop."""
    directory.mkdir(parents=True)
    for table, text in TABLES.items():
        (directory / f"{table}.csv").write_text(text.lstrip())
