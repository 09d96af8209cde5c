"""Events of Google Analytics 4 as its BigQuery export has them, against sessions and web events worked out by hand."""

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from connected_shops import ConnectedProject, rows

SESSION = ("session_id", "visitor_id", "customer_id", "started_at", "channel", "campaign_id", "device")
EVENT = ("session_id", "event_type", "product_id", "occurred_at")
OPTIONS = {"recommendation_lists": ["also-bought"], "channels": {"affiliates": "affiliate"}}


@pytest.fixture(scope="module")
def connected(tmp_path_factory):
    us = {"connector": "ga4", "customer_id_param": "account", "customer_id_prefix": "us-"}
    return ConnectedProject(tmp_path_factory.mktemp("ga4"), {"ga4": OPTIONS, "ga4_us": us})


def event(name: str, at: str, user: str | None = "1.2", session: int | str | None = 10, items=(), parameters=None, **more):
    """An event as JSON of the export has it: whole numbers are texts, and what is null is left out.

    at: ISO, in UTC; parameters: {key: text or whole number}; more: columns of the export.
    """
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    parameters = {"page_location": "https://shop.example/"} | (parameters or {}) | ({"ga_session_id": session} if session else {})
    return {
        "event_date": f"{moment:%Y%m%d}",
        "event_timestamp": str(int(moment.timestamp() * 1_000_000)),
        "event_name": name,
        "event_params": [
            {"key": key, "value": {"string_value": value} if isinstance(value, str) else {"int_value": str(value)}}
            for key, value in parameters.items()
        ],
        "items": [{"item_id": item} if isinstance(item, str) else item for item in items],
        "device": {"category": "mobile", "language": "de"},
    } | ({"user_pseudo_id": user} if user else {}) | more  # fmt: skip


def write(shop: Path, events: list[dict], name: str = "events_20260501.json", entry: str = "ga4") -> Path:
    """Write events as a file of an entry; the other entry has one event, of nobody. Returns the directory of the shop."""
    for directory in ("ga4", "ga4_us"):
        (shop / directory).mkdir(exist_ok=True)
        if not list((shop / directory).iterdir()):
            (shop / directory / "events_20260430.json").write_text(json.dumps(event("page_view", "2026-04-30", None)))
    (shop / entry / name).write_text("\n".join(map(json.dumps, events)))
    return shop


def last_click(**campaign: str) -> dict:
    return {"session_traffic_source_last_click": {"cross_channel_campaign": campaign}}


def test_a_login_inside_a_session_does_not_split_it(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00:05", items=["P1"]),
        event("session_start", "2026-05-01T10:00:00.000001"),
        event("login", "2026-05-01T10:01", user_id="C1"),
        event("page_view", "2026-05-01T10:02", user_id="A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
        event("page_view", "2026-05-01T10:03"),
        event("page_view", "2026-05-01T23:59", session=11),
        event("page_view", "2026-05-02T00:01", session=11),
    ])  # fmt: skip
    assert rows(connected.read(shop), "ga4__sessions", *SESSION) == [
        ("1.2.10", "1.2", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", datetime(2026, 5, 1, 10, 0, 0, 1), "direct", None, "mobile"),
        ("1.2.11", "1.2", None, datetime(2026, 5, 1, 23, 59), "direct", None, "mobile"),
    ]


def test_each_item_is_an_event_and_items_count_alike_on_both_sides_of_the_cart(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00", items=["P1"]),
        event("add_to_cart", "2026-05-01T10:01", items=["P1", "P2", "P2"]),
        event("remove_from_cart", "2026-05-01T10:02", items=["P2"]),
        event("begin_checkout", "2026-05-01T10:03"),
        event("view_item", "2026-05-01T10:04", items=[{"item_id": "(not set)"}]),
        event("purchase", "2026-05-01T10:05", items=["P1"]),
        event("view_cart", "2026-05-01T10:05", items=["P1"]),
    ])  # fmt: skip
    found = rows(connected.read(shop), "ga4__web_events", *EVENT)
    assert [(kind, product, at.minute) for _, kind, product, at in found] == [
        ("add_to_cart", "P1", 1), ("add_to_cart", "P2", 1), ("add_to_cart", "P2", 1), ("checkout_start", None, 3),
        ("product_view", "P1", 0), ("product_view", None, 4), ("remove_from_cart", "P2", 2),
    ]  # fmt: skip


def test_identical_hits_are_one_in_whatever_order_their_parameters_stand(connected, tmp_path):
    numbers = {"batch_page_id": "7", "batch_ordering_id": "1", "batch_event_index": "2"}
    hit = event("view_item", "2026-05-01T10:00", items=["P1"], **numbers)
    turned = hit | {"event_params": hit["event_params"][::-1]}
    next_in_batch = hit | {"batch_event_index": "3"}
    other_page = event("view_item", "2026-05-01T10:00", items=["P1"], parameters={"page_location": "https://shop.example/b"}, **numbers)
    other_product = event("view_item", "2026-05-01T10:00", items=["P2"], **numbers)
    shop = write(tmp_path, [hit, hit, turned, next_in_batch, other_page, other_product])
    found = rows(connected.read(shop), "ga4__web_events", "event_id", "product_id")
    assert len(found) == 6 and sorted(product for _, product in set(found)) == ["P1", "P1", "P1", "P2"]


def test_intraday_tables_are_not_read(connected, tmp_path):
    view = event("view_item", "2026-05-01T10:00", items=["P1"])
    write(tmp_path, [view])
    write(tmp_path, [view, event("view_item", "2026-05-02T10:00", items=["P1"])], "events_intraday_20260502.json")
    assert len(rows(connected.read(tmp_path), "ga4__web_events", "event_id")) == 1


def test_events_without_consent_or_visit_are_left_out_and_counted(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00", None, None, ["P1"], user_id="C1"),
        event("page_view", "2026-05-01T10:00", None, None),
        event("audience_joined", "2026-05-01T10:00", session=None),
        event("page_view", "2026-05-01T10:00"),
    ])  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "ga4__sessions", "session_id") == [("1.2.10",)]
    assert rows(connection, "left_out_rows", "connector", "table_name", "reason", "left_out_rows") == [
        ("ga4", "sessions", "event without ga_session_id: of no visit", 1),
        ("ga4", "sessions", "event without user_pseudo_id: nobody consented to a cookie", 3),
        ("ga4", "web_events", "event without user_pseudo_id: nobody consented to a cookie", 1),
    ]


def test_two_properties_with_the_same_ids_stay_apart_and_name_accounts_their_own_way(connected, tmp_path):
    view = event("view_item", "2026-05-01T10:00", items=["P1"], parameters={"account": 77}, user_id="C1")
    write(tmp_path, [view])
    write(tmp_path, [view], entry="ga4_us")
    connection = connected.read(tmp_path)
    assert rows(connection, "ga4__sessions", "session_id", "visitor_id", "customer_id") == [
        ("1.2.10", "1.2", "C1"), ("ga4_us:1.2.10", "ga4_us:1.2", "us-77"),
    ]  # fmt: skip
    assert len({*rows(connection, "ga4__web_events", "event_id")}) == 2


def test_only_clicks_in_recommendation_lists_are_recommendation_clicks(connected, tmp_path):
    shop = write(tmp_path, [
        event("select_item", "2026-05-01T10:00", items=["P1"], parameters={"item_list_id": "also-bought"}),
        event("select_item", "2026-05-01T10:01", items=[{"item_id": "P2", "item_list_name": "also-bought"}]),
        event("select_item", "2026-05-01T10:02", items=["P3"], parameters={"item_list_id": "search"}),
    ])  # fmt: skip
    write(tmp_path, [event("select_item", "2026-05-01T10:00", items=["P4"], parameters={"item_list_id": "also-bought"})], entry="ga4_us")
    found = rows(connected.read(shop), "ga4__web_events", "event_type", "product_id")
    assert found == [("recommendation_click", "P1"), ("recommendation_click", "P2")]


def test_item_ids_are_those_of_products(connected, tmp_path):
    (tmp_path / "products.csv").write_text("product_id,updated_at\nP1,2026-01-01 00:00\n")
    shop = write(tmp_path, [event("view_item", "2026-05-01T10:00", items=["P1", "unknown"])])
    assert rows(connected.read(shop), "ga4__web_events", "product_id") == [("P1",), ("unknown",)]


@pytest.mark.parametrize(("traffic", "channel", "campaign"), [
    # The session's own source, whatever its hits say.
    (last_click(default_channel_group="Paid Search", campaign_id="c1", source="google", medium="cpc"), "paid_search", "c1"),
    (last_click(default_channel_group="Direct", campaign_name="(direct)", source="(direct)"), "direct", None),
    (last_click(default_channel_group="Affiliates"), "affiliate", None),
    # Exports before October 2024 have no group.
    (last_click(source="m.facebook.com", medium="paid_social", campaign_name="Spring"), "paid_social", "Spring"),
    ({"session_traffic_source_last_click": {"google_ads_campaign": {"campaign_id": "g1"}}}, "paid_search", "g1"),
    # Those before July 2024 have no session's source.
    ({"collected_traffic_source": {"manual_source": "Newsletter", "manual_medium": "EMAIL"}}, "email", None),
    ({"collected_traffic_source": {"manual_source": "bing", "gclid": "x"}}, "paid_search", None),
    ({"parameters": {"source": "google", "medium": "organic", "campaign": "(organic)"}}, "organic_search", None),
    ({"parameters": {"source": "chatgpt.com", "medium": "ai-assistant"}}, "ai_assistant", None),
    ({"parameters": {"source": "blog.example", "medium": "referral"}}, "referral", None),
    ({"parameters": {"source": "partner", "medium": "affiliate", "campaign_id": "a1"}}, "affiliate", "a1"),
    ({"parameters": {"source": "x", "medium": "paid", "campaign": "Workshop"}}, "paid_other", "Workshop"),
    ({"parameters": {"source": "x", "medium": "paid", "campaign": "shop-ads"}}, "paid_shopping", "shop-ads"),
    ({"parameters": {"source": "x", "medium": "cpm"}}, "display", None),
    ({"parameters": {"source": "fb", "medium": "cpm"}}, "paid_social", None),
    ({"parameters": {"source": "x", "medium": "banner"}}, "display", None),
    ({"parameters": {"source": "youtube.com", "medium": "referral"}}, "organic_video", None),
    ({"parameters": {"source": "brand", "medium": "webpush"}}, "mobile_push_notifications", None),
    ({"parameters": {"source": "leaflet", "medium": "qr"}}, "unassigned", None),
])  # fmt: skip
def test_the_channel_is_googles_default_channel_group(connected, tmp_path, traffic, channel, campaign):
    shop = write(tmp_path, [
        event("session_start", "2026-05-01T10:00", parameters={"source": "(direct)", "medium": "(none)"}),
        event("page_view", "2026-05-01T10:02", parameters={"source": "instagram.com", "medium": "referral"}),
        event("page_view", "2026-05-01T10:01", **traffic),
    ])  # fmt: skip
    assert rows(connected.read(shop), "ga4__sessions", "channel", "campaign_id") == [(channel, campaign)]


def test_parquet_of_several_years_of_schemas_is_read(connected, tmp_path):
    write(tmp_path, [event("view_item", "2026-05-01T10:00", items=["P1"])])
    key_value = "{'key': 'ga_session_id', 'value': {'string_value': null::varchar, 'int_value': 20::bigint}}"
    old = f"""'20210501' as event_date, 1619863200000000 as event_timestamp, 'view_item' as event_name, '3.4' as user_pseudo_id,
        [{key_value}] as event_params, [{{'item_id': 'P2', 'price': 3.5}}] as items"""
    duckdb.execute(f"copy (select {old}) to '{tmp_path}/ga4/events_20210501000000000000.parquet'")
    connection = connected.read(tmp_path)
    assert rows(connection, "ga4__web_events", *EVENT) == [
        ("1.2.10", "product_view", "P1", datetime(2026, 5, 1, 10)),
        ("3.4.20", "product_view", "P2", datetime(2021, 5, 1, 10)),
    ]
    # A day's table is written anew for three days.
    assert rows(connection, "ga4__web_events", "loaded_at") == [(datetime(2021, 5, 4),), (datetime(2026, 5, 4),)]


def test_an_unreadable_moment_is_rejected_and_costs_no_session(connected, tmp_path):
    shop = write(tmp_path, [
        event("view_item", "2026-05-01T10:00", items=["P1"]) | {"event_timestamp": "yesterday"},
        event("page_view", "2026-05-01T10:00"),
    ])  # fmt: skip
    connection = connected.read(shop)
    assert rows(connection, "ga4__web_events", "occurred_at", "source_error") == [(None, "unreadable event_timestamp")]
    assert rows(connection, "ga4__sessions", "started_at", "source_error") == [(datetime(2026, 5, 1, 10), None)]
