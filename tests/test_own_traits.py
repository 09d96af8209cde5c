"""An analyst's way: a trait is a file and an entry, and what is wrong with one is said in a sentence."""

import re

import pytest

from ecommerce_segments.dbt_session import DbtError
from ecommerce_segments.explore.explain import explain
from ecommerce_segments.explore.preview import preview
from project import PROJECT, messages
from test_own_segments import SETTINGS, built, copy  # noqa: F401 (fixtures)

pytestmark = pytest.mark.xdist_group("own_segments")


def test_a_trait_is_added_previewed_built_asked_and_removed(copy):  # noqa: F811
    added = copy.segments("new", "--trait", "purchases_ever")
    assert added.returncode == 0 and "segments preview purchases_ever" in added.stdout
    buyers, customers = copy.rows("select count(*) filter (purchase_count > 0), count(*) from marts.customers")[0]
    with copy.session() as session:
        assert f"\n{buyers} customers, " in preview(session, "purchases_ever")
        with pytest.raises(DbtError, match="There is no models/marts/segments/seg_nothing.sql"):
            preview(session, "nothing")
    assert "The column purchases_ever of the trait purchases_ever has no description: complete its entry" in messages(
        copy.build("--select", "trait_purchases_ever")
    )

    project_file = copy.root / "dbt_project.yml"
    project_file.write_text(
        project_file.read_text().replace("          description:\n", "          description: Purchases of all time.\n")
    )
    assert copy.segments("new", "buyers").returncode == 0
    segment = copy.root / "models" / "marts" / "segments" / "seg_buyers.sql"
    segment.write_text(
        "select customer_id, as_of_date, purchases_ever from {{ ref('customers') }} where purchases_ever >= 1"
    )
    project_file.write_text(
        project_file.read_text()
        .replace("      definition:\n", "      definition: d\n")
        .replace("      goal:\n", "      goal: g\n")
    )
    result = copy.build("--select", "trait_purchases_ever", "customers", "seg_buyers")
    assert result.success, messages(result)
    assert copy.rows("select count(*), sum(cast(purchases_ever = purchase_count as integer)) from marts.customers") == [
        (customers, customers)
    ]
    assert copy.rows(
        "select data_type, comment from duckdb_columns() where schema_name = 'marts' and table_name = 'customers'"
        " and column_name = 'purchases_ever'"
    ) == [("BIGINT", "Purchases of all time.")]
    assert re.search(
        r"(?m)^purchases_ever +integer +trait_purchases_ever +Purchases of all time[.]$", copy.segments("traits").stdout
    )
    with copy.session() as session:
        buyer = session.rows("select min(customer_id) as customer_id from {{ ref('seg_buyers') }}")[0]["customer_id"]
        assert "buyers\n    + purchases_ever >= 1   (purchases_ever is " in explain(session, buyer)

    refused = copy.segments("remove", "--trait", "purchases_ever")
    assert (
        refused.returncode == 2
        and "asked by models/marts/segments/seg_buyers.sql: change or remove that first" in refused.stderr
    )
    for words in (["remove", "buyers"], ["remove", "--trait", "purchases_ever"]):
        removed = copy.segments(*words)
        assert removed.returncode == 0, removed.stderr
    assert project_file.read_text() == (PROJECT / "dbt_project.yml").read_text()
    assert not (copy.root / "models" / "traits" / "trait_purchases_ever.sql").exists()
    result = copy.build("--select", "customers")
    assert result.success, messages(result)
    assert (
        copy.rows("select * from duckdb_columns() where table_name = 'customers' and column_name = 'purchases_ever'")
        == []
    )


# What a file may have wrong, whose entry says that it has points, a number.
WRONG = {
    "select customer_id, 1 as points from {{ customers }}"
    " union all select customer_id, 2 as points from {{ customers }}": (
        r"holds \d+ of its \d+ customers more than once, for example \S+: group by customer_id"
    ),
    "select 'nobody' as customer_id, 1 as points": (
        "holds 1 customer_ids that are no customers, for example nobody: ask models of the folder"
    ),
    "select customer_id from {{ customers }}": "does not show points: add it to the select",
    "select customer_id, 1 as points, 2 as more from {{ customers }}": (
        "shows the column more, which its entry does not name"
    ),
    "select customer_id, customer_id as points from {{ customers }}": (
        "shows the column points as VARCHAR, but its entry says number: cast it"
    ),
    "select customer_id, cast(1 as double) as points from {{ customers }}": (
        "shows the column points as DOUBLE, but its entry says number: cast it"
    ),
}


def test_each_wrong_trait_is_named_in_one_sentence(copy):  # noqa: F811
    cases = "".join(f"{{% if var('case', 0) == {case} %}}{sql}{{% endif %}}" for case, sql in enumerate(WRONG))
    (copy.root / "models" / "traits" / "trait_wrong.sql").write_text(
        "{% set customers = ref('int_customers') %}" + cases
    )
    entry = "    - name: wrong\n      columns: [{name: points, type: number, description: Points., without: -1.5}]\n"
    project_file = copy.root / "dbt_project.yml"
    project_file.write_text(project_file.read_text().replace("  traits:\n", "  traits:\n" + entry))
    project = copy.project()

    def said(case: int) -> str:
        return messages(
            project.attempt(
                "run",
                "--select",
                "trait_wrong",
                "customers",
                raw_dir=copy.raw_dir,
                database=copy.database,
                case=case,
                **SETTINGS,
            )
        )

    for case, (sql, sentence) in enumerate(WRONG.items()):
        assert re.search(f"The trait wrong {sentence}", said(case)), sql


def test_the_contract_holds_registered_columns_to_their_types(copy):  # noqa: F811
    macros = copy.root / "macros" / "traits.sql"
    macros.write_text(macros.read_text().replace("' as ' ~ type ~ ') as '", "' as varchar) as '"))
    said = messages(copy.build("--select", "customers"))
    assert "This model has an enforced contract that failed" in said and "full_price_purchase_share" in said


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["new", "Full Price"], "'Full Price' is no name for a trait"),
        (["new", "full_price_purchase_share"], "The trait full_price_purchase_share is there already."),
        (["remove", "full_price_share"], "There is no trait full_price_share: did you mean full_price_purchase_share?"),
    ],
)
def test_the_register_refuses(built, arguments, sentence):  # noqa: F811
    refused = built.segments(*arguments, "--trait")
    assert refused.returncode == 2 and sentence in refused.stderr


def test_shipped_traits_can_be_removed_and_a_missing_file_is_explained(copy):  # noqa: F811
    (copy.root / "models" / "traits" / "trait_full_price_purchase_share.sql").unlink()
    refused = copy.segments("check")
    assert (
        refused.returncode == 2
        and "registers the trait full_price_purchase_share, but there is no models/traits/" in refused.stderr
    )
    for name in ("full_price_purchase_share", "average_days_between_sessions"):
        removed = copy.segments("remove", "--trait", name)
        assert removed.returncode == 0, removed.stderr
    result = copy.build("--select", "customers")
    assert result.success, messages(result)
    assert copy.segments("new", "--trait", "visits").returncode == 0


def test_a_trait_without_an_entry_is_named(copy):  # noqa: F811
    (copy.root / "models" / "traits" / "trait_visits.sql").write_text("select 'c1' as customer_id, 1 as visits")
    refused = copy.segments("check")
    assert (refused.returncode, refused.stderr) == (
        2,
        "models/traits/trait_visits.sql is not registered: add an entry with name visits and its columns to the var"
        " `traits` in dbt_project.yml, or remove the file.\n",
    )


def test_a_trait_that_yaml_asks_stays(copy):  # noqa: F811
    asking = {
        "models/marts/segments/_unit_tests.yml": "      - {customer_id: c1, full_price_purchase_share: 1}\n",
        "models/marts/metrics/_metrics.yml": "# full_price_purchase_share\n",
        "models/traits/_unit_tests.yml": "  - name: other\n    model: trait_other\n    given:\n"
        "      - input: ref('trait_full_price_purchase_share')\n",
    }
    for name, line in asking.items():
        file = copy.root / name
        before = file.read_text()
        file.write_text(before + line)
        refused = copy.segments("remove", "full_price_purchase_share", "--trait")
        assert refused.returncode == 2 and f"is asked by {name}: change or remove that first" in refused.stderr
        file.write_text(before)
