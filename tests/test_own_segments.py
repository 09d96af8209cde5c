"""An analyst's way: a segment is added, previewed, built, explained and removed, and what is wrong with one is said in
a sentence."""

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml

from ecommerce_segments.dbt_session import DbtError, Session
from ecommerce_segments.explore.explain import explain
from ecommerce_segments.explore.preview import preview
from project import PROJECT, Project, environment, messages
from random_shops import random_shop, write_shop

# One worker runs them all, so that the shop is built once.
pytestmark = pytest.mark.xdist_group("own_segments")

GUIDE = (PROJECT / "docs" / "first_segment.md").read_text()
EXAMPLES = dict(re.findall(r"```sql\n-- models/marts/segments/seg_(\w+)\.sql\n(.*?)```", GUIDE, re.DOTALL))
SETTINGS = {"as_of_date": "2025-03-31", "max_rejected_rows": 1_000_000}


@dataclass
class Copy:
    """A copy of the project that a test may change, with a shop and a warehouse of its own."""

    root: Path
    raw_dir: Path
    database: Path
    parsed: tuple[dict, Project] | None = None

    def project(self) -> Project:
        """The copy as it stands, parsed anew where it has changed."""
        files = {path: path.stat().st_mtime_ns
                 for part in ("dbt_project.yml", "models/**/*.*", "macros/**/*.sql") for path in self.root.glob(part)}
        if self.parsed is None or self.parsed[0] != files:
            self.parsed = files, Project(self.root / "target", self.root)
        return self.parsed[1]

    def build(self, *arguments: str, command: str = "run"):
        return self.project().attempt(command, *arguments, raw_dir=self.raw_dir, database=self.database, **SETTINGS)

    def segments(self, *words: str) -> subprocess.CompletedProcess:
        """Run a command that needs no warehouse."""
        return subprocess.run(
            [sys.executable, "-m", "ecommerce_segments.cli", *words],
            cwd=self.root,
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"PYTHONPATH": str(self.root)},
        )

    @contextmanager
    def session(self):
        """A session on the copy: dbt in this process holds the warehouse, so that no other process may open it."""
        with environment(RAW_DIR=self.raw_dir, DUCKDB_PATH=self.database), chdir(self.root):
            yield Session(SETTINGS, self.project().manifest)

    def write(self, name: str, sql: str, **entry: str) -> None:
        """Write a segment's file, and its entry in place of the scaffold's or as a new one."""
        (self.root / "models" / "marts" / "segments" / f"seg_{name}.sql").write_text(sql)
        project_file = self.root / "dbt_project.yml"
        content = yaml.safe_load(project_file.read_text())
        content["vars"]["segments"] = [
            segment for segment in content["vars"]["segments"] if segment["name"] != name
        ] + [{"name": name, "title": name, "definition": "d", "goal": "g", **entry}]
        project_file.write_text(yaml.safe_dump(content, sort_keys=False))

    def rows(self, sql: str) -> list[tuple]:
        with duckdb.connect(self.database) as connection:
            return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The shop, built as it comes: once for the modules that ask for it."""
    return build_shop(tmp_path_factory.getbasetemp() / "built_shop")


@cache
def build_shop(directory: Path) -> Copy:
    copy = Copy(directory / "project", directory / "raw", directory / "shop.duckdb")
    shutil.copytree(
        PROJECT, copy.root, ignore=shutil.ignore_patterns(".*", "data", "dbt_packages", "warehouse", "target", "logs")
    )
    write_shop(random_shop(8, date(2025, 3, 31)), copy.raw_dir, "parquet")
    assert copy.build("--exclude-resource-type", "test", "unit_test", command="build").success
    with duckdb.connect(copy.database) as connection:
        connection.execute("checkpoint")
    return copy


@pytest.fixture
def copy(built, tmp_path):
    """A fresh copy on the same built shop."""
    fresh = Copy(tmp_path / "project", built.raw_dir, tmp_path / "shop.duckdb")
    shutil.copytree(built.root, fresh.root, ignore=shutil.ignore_patterns("logs"))
    shutil.copy(built.database, fresh.database)
    return fresh


def test_a_segment_is_added_previewed_built_and_removed(copy):
    added = copy.segments("new", "regulars")
    assert added.returncode == 0 and "segments preview regulars" in added.stdout
    with copy.session() as session:
        before = preview(session, "regulars")
        with pytest.raises(DbtError, match="There is no models/marts/segments/seg_nothing.sql"):
            preview(session, "nothing")
        with pytest.raises(
            DbtError,
            match="seg_loyal_buyer.sql: did you mean loyal_buyers[?] `segments new loyal_buyer` writes one.",
        ):
            preview(session, "loyal_buyer")
    expected = copy.rows(
        "select count(*) from marts.customers where last_purchased_on > date '2025-03-01' and purchase_count >= 2"
    )[0][0]
    assert f"\n{expected} customers, " in before and f"{expected} would enter" in before
    assert "regulars" not in dict(copy.rows("select segment, 1 from marts.segments"))

    assert "The segment regulars has no definition: complete its entry" in messages(
        copy.build("--select", "seg_regulars")
    )

    text = (copy.root / "dbt_project.yml").read_text()
    (copy.root / "dbt_project.yml").write_text(
        text.replace("      definition:\n", "      definition: d\n").replace("      goal:\n", "      goal: g\n")
    )
    result = copy.build("--select", "seg_regulars+")
    assert result.success, messages(result)
    assert copy.rows("select customers from marts.segments where segment = 'regulars'") == [(expected,)]
    assert copy.rows("select count(*) from marts.segment_memberships where segment = 'regulars'") == [(expected,)]

    file = copy.root / "models" / "marts" / "segments" / "seg_regulars.sql"
    file.write_text(file.read_text().replace("purchase_count >= 2", "purchase_count >= 3"))
    fewer = copy.rows("select count(*) from marts.seg_regulars where purchase_count >= 3")[0][0]
    with copy.session() as session:
        after = preview(session, "regulars")
    assert "0 would enter" in after and f"{expected - fewer} would leave" in after

    assert copy.segments("remove", "regulars").returncode == 0
    assert (copy.root / "dbt_project.yml").read_text() == (PROJECT / "dbt_project.yml").read_text()
    result = copy.build("--select", "segment_memberships+")
    assert result.success, messages(result)
    assert copy.rows("select * from marts.segment_memberships where segment = 'regulars'") == []
    assert copy.rows("select * from information_schema.tables where table_name = 'seg_regulars'") == []


def test_the_guides_segments_are_built_in_order_and_hold_whom_they_should(copy):
    for name, sql in EXAMPLES.items():
        copy.write(name, sql)
    result = copy.build("--select", "seg_discount_buyers", "seg_non_target", *(f"seg_{name}" for name in EXAMPLES))
    assert result.success, messages(result)
    order = [run.node.name for run in result.result]
    assert order.index("seg_discount_audience") > max(order.index("seg_discount_buyers"), order.index("seg_non_target"))
    members = {name: {row[0] for row in copy.rows(f"select customer_id from marts.seg_{name}")} for name in EXAMPLES}
    discount, non_target, loyal = ({row[0] for row in copy.rows(f"select customer_id from marts.seg_{name}")}
                                   for name in ("discount_buyers", "non_target", "loyal_buyers"))
    assert discount & non_target
    assert members["discount_audience"] == discount - non_target
    assert members["loyal_shoe_buyers"] <= loyal
    assert members.keys() == {"warm_regulars", "discount_audience", "loyal_shoe_buyers"}
    with copy.session() as session:
        inside = explain(session, min(members["discount_audience"])).partition("Not in")[0]
    assert "discount_audience\n    + NOT customer_id IN (SELECT customer_id FROM seg_non_target)" in inside


WRONG = {
    "select customer_id, as_of_date from {{ ref('customers') }} union all select customer_id, as_of_date from {{ ref('customers') }}": r"holds \d+ of its \d+ customers more than once, for example \S+: filter to one row per customer",  # noqa: E501
    "select customer_id, as_of_date, category from {{ ref('customer_categories') }}": r"holds \d+ of its \d+ customers more than once",  # noqa: E501
    "select upper(customer_id) || '?' as customer_id, as_of_date from {{ ref('customers') }}": r"holds \d+ customer_ids that customers does not know, for example \S+\?: select customer_id",  # noqa: E501
    "select customer_id, recency_days from {{ ref('customers') }}": "does not show as_of_date: add it to the select",
    "select as_of_date from {{ ref('customers') }}": "does not show customer_id: add it to the select",
    "select customer_id, as_of_date, recency_days as days from {{ ref('customers') }}": "shows the column days, which customers does not have",  # noqa: E501
    "select customer_id, as_of_date, cast(recency_days as bigint) as recency_days from {{ ref('customers') }}": "shows the column recency_days as BIGINT, but in customers it is INTEGER",  # noqa: E501
}


def test_own_segments_leave_the_projects_tests_green(copy):
    """The scaffold with its comments, and the segments of the guide, with the texts that it asks for."""
    assert copy.segments("new", "regulars").returncode == 0
    project_file = copy.root / "dbt_project.yml"
    project_file.write_text(
        project_file.read_text()
        .replace("      definition:\n", "      definition: d\n")
        .replace("      goal:\n", "      goal: g\n")
    )
    for name, sql in EXAMPLES.items():
        copy.write(name, sql)
    ran = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_project.py"],
                         cwd=copy.root, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def test_a_run_that_reads_what_is_of_another_date_is_refused(copy):
    def build(*arguments: str, **settings: str):
        return copy.project().attempt(
            "run", *arguments, raw_dir=copy.raw_dir, database=copy.database, **SETTINGS | settings
        )

    before = copy.rows("from marts.seg_new_subscribers order by all")
    other = {"as_of_date": "2025-04-02"}
    refused = messages(build("--select", "seg_new_subscribers", **other))
    assert (
        "seg_new_subscribers is to be built as of 2025-04-02, but customers, which it reads, is of 2025-03-31: set the"
        " var as_of_date to 2025-03-31, "
        "or build what it reads too (--select +seg_new_subscribers)."
    ) in refused
    # Tables without a date of their own are known as well.
    assert "int_rfm is to be built as of 2025-04-02, but int_" in messages(build("--select", "int_rfm", **other))
    assert copy.rows("from marts.seg_new_subscribers order by all") == before
    assert (
        build("--select", "seg_new_subscribers").success and build("--select", "path:models/staging", **other).success
    )

    result = build("--select", "+seg_new_subscribers", **other)
    assert result.success, messages(result)
    assert "which it reads, is of 2025-03-31" in messages(build("--select", "segment_memberships", **other))
    assert "customers, which it reads, is of 2025-04-02" in messages(build("--select", "seg_non_target"))

    # A run that fails leaves the rest without a date, as it may have come to it or not.
    (copy.root / "models" / "intermediate" / "scores" / "int_rfm.sql").write_text(
        "select 1 / 'no number' as customer_id from {{ ref('int_purchases') }}"
    )
    assert not build("--select", "+customers").success
    assert "customers, which it reads, is not built by a run that ended: build what it reads too" in messages(
        build("--select", "seg_non_target")
    )
    assert "int_purchases, which it reads, is of 2025-03-31" in messages(build("--select", "int_rfm", **other))


def test_each_wrong_segment_is_named_in_one_sentence(copy, capfd):
    for number, sql in enumerate(WRONG):
        copy.write(f"wrong_{number}", sql)
    copy.write("nobody", "select customer_id, as_of_date from {{ ref('customers') }} where purchase_count < 0")
    said = messages(
        copy.build("--no-quiet", "--select", "seg_nobody", *(f"seg_wrong_{number}" for number in range(len(WRONG))))
    )
    for number, (sql, sentence) in enumerate(WRONG.items()):
        assert re.search(f"The segment wrong_{number} {sentence}", said), sql
    assert "The segment nobody is empty." in "".join(capfd.readouterr())


def test_explain_agrees_with_the_memberships(built):
    memberships = built.rows(
        "select customer_id, list(segment order by segment) from marts.segment_memberships group by all order by"
        " count(*) desc, customer_id limit 4"
    )
    account, owner = built.rows(
        "select account_id, customer_id from marts.customer_accounts where account_id <> customer_id order by 1"
    )[0]
    with built.session() as session:
        explanations = [explain(session, customer) for customer, _ in memberships]
        assert explain(session, account).startswith(f"{owner} (to whom {account} belongs) on 2025-03-31")
        with pytest.raises(
            DbtError,
            match="The last build knows no customer and no account nobody: the ids are those of customer_accounts.",
        ):
            explain(session, "nobody")
    for (_, segments), explained in zip(memberships, explanations):
        inside, _, outside = explained.partition("Not in ")
        assert sorted(re.findall(r"(?m)^  (\w+)$", inside)) == segments
        assert len(re.findall(r"(?m)^  (\w+)$", outside)) == 40 - len(segments)
        assert "    - " not in inside


def test_explain_tells_the_next_message_what_comes_after_it_and_what_holds_it_back(built):
    registered = yaml.safe_load((PROJECT / "dbt_project.yml").read_text())["vars"]["segments"]
    plans = {entry["name"]: entry["priority"] for entry in registered}
    priorities = {name: plan["default"] if isinstance(plan, dict) else plan for name, plan in plans.items()}
    hold_back = "update marts.next_messages set held_back_by = {} where customer_id = '{}'"
    ((often,),) = built.rows("select max(customer_id) from marts.next_messages where held_back_by is null")
    built.rows(hold_back.format("'mailed often'", often))
    chosen = built.rows("""
        select next_messages.customer_id, held_back_by, list(segment_memberships.segment)
        from marts.next_messages inner join marts.segment_memberships using (customer_id)
        group by next_messages.customer_id, held_back_by
        qualify row_number() over (partition by held_back_by order by count(*) desc, next_messages.customer_id) = 1
    """)
    ((unreachable,),) = built.rows("select min(customer_id) from marts.customers where not is_contactable_by_email")
    names = ", ".join(f"'{customer}'" for customer, *_ in chosen)
    ((suppressed,),) = built.rows(
        f"select min(customer_id) from marts.customers where is_contactable_by_email and customer_id not in ({names})"
    )
    on_list = "unhappy_customers"
    listed = f"select '{on_list}' as suppression_list, '{suppressed}' as customer_id"
    built.rows("create table kept as from marts.suppressions")
    built.rows(f"delete from marts.suppressions where customer_id = '{suppressed}'")
    built.rows(f"insert into marts.suppressions by name {listed}")
    assert {held_back_by for _, held_back_by, _ in chosen} >= {None, "mailed often"}
    with built.session() as session:
        for customer, held_back_by, inside in chosen:
            first, *after = (f"{name} ({priorities[name]})" for name in sorted(inside, key=priorities.get))
            told = f"Next message: {first.replace('(', '(priority ')}"
            told += (f", before {', '.join(after)}." if after else ".") + (
                f" Held back: {held_back_by}." if held_back_by else "")
            assert explain(session, customer).splitlines()[1] == told
        assert "\nNo message: mail may not reach them.\n" in explain(session, unreachable)
        assert f"\nNo message: they are on the suppression list {on_list}.\n" in explain(session, suppressed)
    built.rows(hold_back.format("null", often))
    built.rows("delete from marts.suppressions; insert into marts.suppressions from kept; drop table kept")


@pytest.mark.parametrize("arguments, sentence", [
    (["new", "Loyal Buyers"], "'Loyal Buyers' is no name for a segment"),
    (["new", "loyal_buyers"], "The segment loyal_buyers is there already."),
    (["remove", "nothing"], "There is no segment nothing."),
])
def test_the_register_refuses(built, arguments, sentence):
    refused = built.segments(*arguments)
    assert refused.returncode == 2 and sentence in refused.stderr


# `segments remove` of one after the other, without a process for each: exit code, name and what is said.
REMOVE = """
import contextlib, io, json, sys
from ecommerce_segments.cli import main
for name in sys.argv[1:]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
        code = main(["remove", name])
    print(json.dumps([code, name, said.getvalue()]))
"""


def test_every_shipped_segment_can_be_removed_unless_something_asks_it(copy):
    shipped = yaml.safe_load((copy.root / "dbt_project.yml").read_text())["vars"]["segments"]
    asked = [sys.executable, "-c", REMOVE, *(segment["name"] for segment in shipped)]
    environment_of_copy = os.environ | {"PYTHONPATH": str(copy.root)}
    removed = subprocess.run(asked, cwd=copy.root, capture_output=True, text=True, check=True, env=environment_of_copy)
    ends = [json.loads(line) for line in removed.stdout.splitlines()]
    left = {name: re.findall(r"\w+[.]sql", said) for code, name, said in ends if code}
    assert len(ends) == len(shipped)
    assert left == {
        "bargain_hunters": ["categories_of_bargain_hunters.sql"],
        "hero_customers": ["revenue_by_buyer_type.sql", "channels_of_hero_customers.sql"],
        # They are the value tiers of campaigns' people.
        "high_value_active": ["int_compared_people.sql"],
        "high_value_at_risk": ["int_compared_people.sql"],
        "low_value_active": ["int_compared_people.sql"],
        # A suppression list of theirs would be empty in silence, and those whom it protects would be mailed.
        "non_target": ["int_compared_people.sql", "suppressions.sql"],
        "unhappy_customers": ["suppressions.sql"],
    }
    result = copy.build("--select", "segment_memberships+")
    assert result.success, messages(result)
    assert copy.rows("select segment from marts.segments order by 1") == [(name,) for name in sorted(left)]


@pytest.mark.parametrize(
    "old, new",
    [
        ("    - name: birthday_soon\n", "    - name: 'birthday_soon'\n"),
        (
            "    - name: birthday_soon\n      title: Birthday soon\n",
            "    - title: Birthday soon\n      name: birthday_soon\n",
        ),
    ],
)
def test_an_entry_written_otherwise_is_left_alone(copy, old, new):
    project_file = copy.root / "dbt_project.yml"
    project_file.write_text(project_file.read_text().replace(old, new))
    before = project_file.read_text()
    refused = copy.segments("remove", "birthday_soon")
    assert refused.returncode == 2 and "by hand" in refused.stderr
    assert project_file.read_text() == before and (copy.root / "models/marts/segments/seg_birthday_soon.sql").exists()


def test_a_register_in_the_middle_of_the_file_is_left_alone(copy):
    project_file = copy.root / "dbt_project.yml"
    project_file.write_text(project_file.read_text() + "\nquery-comment: null\n")
    before = project_file.read_text()
    refused = copy.segments("new", "regulars")
    assert refused.returncode == 2 and "by hand" in refused.stderr
    assert project_file.read_text() == before and not (copy.root / "models/marts/segments/seg_regulars.sql").exists()


def test_a_segment_that_another_one_asks_stays(copy):
    copy.write("discount_audience", EXAMPLES["discount_audience"])
    refused = copy.segments("remove", "non_target")
    assert refused.returncode == 2 and "seg_discount_audience.sql: change or remove that first" in refused.stderr


def test_a_registered_name_without_a_file_is_explained(copy):
    (copy.root / "models" / "marts" / "segments" / "seg_birthday_soon.sql").unlink()
    refused = copy.segments("check")
    assert refused.returncode == 2
    assert ("registers the segment birthday_soon, but there is no models/marts/segments/seg_birthday_soon.sql: "
            "write that file, or remove the entry") in refused.stderr


def test_a_file_without_an_entry_is_named(copy):
    file = copy.root / "models" / "marts" / "segments" / "seg_regulars.sql"
    file.write_text(EXAMPLES["discount_audience"])
    refused = copy.segments("check")
    assert (refused.returncode, refused.stderr) == (
        2,
        "models/marts/segments/seg_regulars.sql is not registered: add an entry with name regulars, title, definition"
        " and goal to the var `segments` in dbt_project.yml, or remove the file.\n",
    )
    file.unlink()
    assert copy.segments("check").returncode == 0


def test_a_segment_and_a_trait_of_the_same_name_are_removed_one_by_one(copy):
    before = (copy.root / "dbt_project.yml").read_text()
    for first, second in ((["regulars"], ["regulars", "--trait"]), (["regulars", "--trait"], ["regulars"])):
        for words in (["regulars"], ["regulars", "--trait"]):
            assert copy.segments("new", *words).returncode == 0
        removed = copy.segments("remove", *first)
        assert removed.returncode == 0, removed.stderr
        left = yaml.safe_load((copy.root / "dbt_project.yml").read_text())["vars"]
        is_trait_left = "--trait" in second
        assert is_trait_left == any(entry["name"] == "regulars" for entry in left["traits"])
        assert is_trait_left != any(entry["name"] == "regulars" for entry in left["segments"])
        removed = copy.segments("remove", *second)
        assert removed.returncode == 0, removed.stderr
        assert (copy.root / "dbt_project.yml").read_text() == before
