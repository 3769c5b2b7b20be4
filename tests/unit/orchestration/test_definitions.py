"""The Dagster graph: what there is, what blocks what, and that importing it is cheap."""

from __future__ import annotations

import datetime as dt
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import dagster as dg
import pytest

from pipeline.common.errors import ConfigurationError
from pipeline.common.home import Home
from pipeline.common.settings import PROJECT_ROOT, Settings
from pipeline.gates import questions
from pipeline.journal import attempts
from pipeline.orchestration import refresh
from pipeline.orchestration.assets import ingest
from pipeline.orchestration.assets.ingest import landing_key
from pipeline.orchestration.definitions import JOB, SCHEDULE, build_definitions
from pipeline.orchestration.request import RefreshRequest
from pipeline.sources import load_sources
from tests.conftest import environment

MARTS = {
    "customers",
    "customer_source_keys",
    "products",
    "order_lines",
    "service_tickets",
    "interactions",
    "payments",
    "leads",
    "customer_value",
    "customer_value_history",
    "customer_score_factors",
    "customer_tiers",
    "customer_concentration",
    "cohort_retention",
    "customer_360",
    "revenue_by_month",
    "tier_summary",
    "customer_health_factors",
    "service_levels",
    "service_categories",
    "badly_served",
    "customer_actions",
    "customer_verdicts",
    "verdict_evidence",
    "owner_weeks",
    "figure_quality",
    "resource_allocation",
    "reconciliation",
    "landing_reconciliation",
    "mart_reconciliation",
    "event_days",
    "drift_samples",
    "drift",
    "drift_history",
    "quality_checks",
    "domain_checks",
    "cost_pools",
    "customers_private",
    "customer_groups",
    "contacts",
    "account_coverage",
    "account_matrix",
    "account_matrix_factors",
    "account_financials",
    "account_outlook",
    "customer_ids",
    "customer_registry",
    "identity_log",
    "identity_links",
    "match_candidates",
    "match_sample",
    "value_models",
    "model_quality",
    "customer_tier_history",
    "tier_migration",
    "tier_restatements",
    "proposed_tiers",
    "policy_prints",
    "rfm_cut_points",
    "next_best_offers",
    "lead_scores",
    "lead_score_factors",
}
LANDED = {
    "erp": {
        "customers",
        "company_profiles",
        "person_profiles",
        "territories",
        "products",
        "currency_rates",
        "orders",
        "order_lines",
        "invoices",
        "customer_origins",
    },
    "helpdesk": {"incidents"},
    "crm": {
        "leads",
        "deals",
        "assessments",
        "activities",
        "campaigns",
        "surveys",
        "account_factors",
        "statements",
        "accounts",
        "contacts",
    },
}


# Every other check is a test of dbt's.
ASKED = {*questions.ASKS}


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(Settings.load())


@pytest.fixture(scope="module")
def graph(definitions: dg.Definitions) -> dg.AssetGraph:
    return definitions.resolve_asset_graph()


def test_groups_are_the_rooms(graph: dg.AssetGraph) -> None:
    groups: dict[str, set[str]] = {}
    for key in graph.materializable_asset_keys:
        groups.setdefault(graph.get(key).group_name, set()).add(key.path[-1])
    assert set(groups) == {
        "landing",
        "policy",
        "staging",
        "core",
        "intermediate",
        "marts",
        "meta",
        "release",
    }
    assert groups["marts"] | groups["meta"] == MARTS
    assert groups["release"] == {"publish", "report"}
    assert groups["landing"] == set.union({"candidate"}, *LANDED.values())


def test_publish_depends_on_every_gated_asset(graph: dg.AssetGraph) -> None:
    """A blocking check stops only the steps directly below it."""
    landed = {
        dg.AssetKey(["landing", source, entity])
        for source, entities in LANDED.items()
        for entity in entities
    }
    gated = {key.asset_key for key in graph.asset_check_keys if key.name in ASKED}
    below = graph.get(dg.AssetKey("publish")).parent_keys
    assert below == landed | {dg.AssetKey(name) for name in MARTS}
    assert landed < gated < below  # a few tables of meta have no suite


def test_every_asset_says_what_it_is_and_who_answers_for_it(
    graph: dg.AssetGraph,
) -> None:
    for key in graph.materializable_asset_keys:
        asset = graph.get(key)
        assert asset.description, key
        assert asset.kinds, key
        policy = asset.group_name == "policy"
        assert [*asset.owners] == ["team:business" if policy else "team:data"], key


def test_every_check_says_in_a_sentence_what_must_hold(graph: dg.AssetGraph) -> None:
    for key in graph.asset_check_keys:
        text = graph.get(key).description or ""
        assert re.match(r"[A-Z].*[a-z]{2}.*\.$", " ".join(text.split())), (key, text)
    (check,) = (
        key
        for key in graph.asset_check_keys
        if key.name == "unique_combination_order_lines_order_id__line_number"
    )
    assert graph.get(check).description == (
        "No two rows of order_lines share order_id, line_number."
    )


def test_both_gates_block(graph: dg.AssetGraph) -> None:
    for key in graph.asset_check_keys:
        if key.name in ASKED:
            assert graph.get(key).blocking


def test_checks_of_the_gates_are_named_by_what_they_ask(graph: dg.AssetGraph) -> None:
    """And few, because each is two events of every refresh."""

    def of(*asset: str) -> dict[str, str]:
        return {
            key.name: graph.get(key).description or ""
            for key in graph.asset_check_keys
            if key.name in ASKED and key.asset_key == dg.AssetKey(asset)
        }

    landed = of("landing", "crm", "leads")
    assert {*landed} == {questions.ACCOUNTED, questions.COLUMNS, questions.TAKEN}
    assert "`quarantine_within_limit`: more than" in landed[questions.ACCOUNTED]
    assert "`no_column_is_missing`: staging reads" in landed[questions.COLUMNS]
    assert "`a_key_stands_once_in_a_file`: of rows" in landed[questions.TAKEN]
    tiers = of("customer_tiers")
    assert {*tiers} == {questions.DRIFT, questions.PUBLISHED}
    assert "`drift_tier_share`: this far from" in tiers[questions.DRIFT]
    assert "`one_policy_grades_everybody`: tiers" in tiers[questions.PUBLISHED]
    assert "drift" not in tiers[questions.PUBLISHED]
    assert of("quality_checks").keys() == {questions.PUBLISHED}
    assert of("policy_prints") == {}
    asked = [key for key in graph.asset_check_keys if key.name in ASKED]
    assert len(asked) < 2 * len({key.asset_key for key in asked})


def test_a_suite_that_cannot_be_read_is_the_gates_to_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "landing").mkdir()
    for file in ("landing/crm.py", "marts.py"):
        (tmp_path / file).write_text("1 / 0")
    monkeypatch.setenv("CUSTOMER_TIERS_EXPECTATIONS", str(tmp_path))
    graph = build_definitions(Settings.load()).resolve_asset_graph()
    asked = {key for key in graph.asset_check_keys if key.name in ASKED}
    for table in MARTS:
        assert dg.AssetCheckKey(dg.AssetKey(table), questions.PUBLISHED) in asked
    leads = landing_key("crm", "leads")
    assert dg.AssetCheckKey(leads, questions.TAKEN) in asked


def test_everything_holds_the_pool_of_one(definitions: dg.Definitions) -> None:
    for asset in definitions.resolve_all_asset_specs():
        found = definitions.resolve_assets_def(asset.key)
        if found.is_executable:
            assert found.op.pool == "candidate", asset.key


def test_one_table_alone_is_refused_with_what_to_do(
    definitions: dg.Definitions, tmp_path: Path
) -> None:
    """Dagster's page offers each table by itself."""
    home = Home.open(tmp_path / "home")
    config = {"resources": {"request": {"config": {"home": str(home.root)}}}}
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        result = definitions.resolve_job_def(JOB).execute_in_process(
            instance=instance,
            asset_selection=[dg.AssetKey("customer_tiers")],
            run_config=config,
            raise_on_error=False,
        )
    (failure,) = [
        event.step_failure_data.error_display_string
        for event in result.all_events
        if event.event_type_value == "STEP_FAILURE"
    ]
    assert "customer_tiers cannot be built alone" in failure
    assert "customer-tiers refresh" in failure


def test_a_copy_has_an_owner_as_all_else_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CUSTOMER_TIERS_SERVE_PARQUET", str(tmp_path))
    graph = build_definitions(Settings.load()).resolve_asset_graph()
    assert [*graph.get(dg.AssetKey("parquet_copy")).owners] == ["team:data"]


def test_the_schedule_is_off_until_it_is_switched_on() -> None:
    settings = Settings.load()
    schedule = build_definitions(settings).resolve_schedule_def(SCHEDULE)
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == JOB
    assert schedule.cron_schedule == "0 5 * * *"
    assert schedule.execution_timezone == "UTC"


def test_time_and_zone_come_from_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTOMER_TIERS_REFRESH_AT", "06:30")
    monkeypatch.setenv("CUSTOMER_TIERS_TIME_ZONE", "Asia/Shanghai")
    schedule = build_definitions(Settings.load()).resolve_schedule_def(SCHEDULE)
    assert schedule.cron_schedule == "30 6 * * *"
    assert schedule.execution_timezone == "Asia/Shanghai"


@pytest.mark.slow
def test_importing_does_nothing_and_needs_nothing(tmp_path: object) -> None:
    """No file is written or configuration read, and the slow libraries stay out."""
    script = """
        import sys
        import dagster, dagster_dbt
        before = set(sys.modules)
        opened = []

        def watch(event, arguments):
            if event == "open" and not str(arguments[0]).endswith((".py", ".pyc")):
                opened.append(arguments[0])

        sys.addaudithook(watch)
        import pipeline.orchestration.definitions
        assert not opened, opened
        new = set(sys.modules) - before
        slow = {"great_expectations", "pandas", "duckdb", "dbt.cli.main", "sqlalchemy"}
        assert not slow & new, slow & new
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        cwd=PROJECT_ROOT,
        env=environment(CUSTOMER_TIERS_SOURCES="/nowhere/sources.yaml"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_workspace_loads() -> None:
    """As Dagster's own command sees it."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "dagster",
            "definitions",
            "validate",
            "--workspace",
            "workspace.yaml",
        ],
        cwd=PROJECT_ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("said_in", ["sources.yaml", "launchpad"])
def test_a_run_for_a_day_in_the_future_is_refused(tmp_path: Path, said_in: str) -> None:
    """However it was launched: by the schedule, a sensor or a person at the page."""
    future = dt.date(2999, 1, 1)
    settings = Settings.load(home=tmp_path / "home")
    home = Home.open(settings.home)
    sources = load_sources(settings)
    if said_in == "sources.yaml":
        business = sources.business.model_copy(update={"as_of": future})
        sources = sources.model_copy(update={"business": business})
    asked = str(future) if said_in == "launchpad" else ""
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        result = dg.materialize(
            [ingest.candidate_asset(sources, settings)],
            resources={"request": RefreshRequest(home=str(home.root), as_of=asked)},
            instance=instance,
            raise_on_error=False,
        )
    assert not result.success
    (attempt,) = attempts.history(home)
    assert (attempt.state, attempt.exit_code) == ("failed", 2)
    assert "2999-01-01 lies in the future" in str(attempt.reason)
    assert not any(home.candidates.iterdir())


def test_the_command_line_refuses_it_before_anything_is_begun(tmp_path: Path) -> None:
    text = (PROJECT_ROOT / "sources.yaml").read_text()
    described = tmp_path / "sources.yaml"
    described.write_text(text.replace("as_of: 2014-01-31", "as_of: 2999-01-01"))
    settings = Settings.load(home=tmp_path / "home", sources_file=described)
    with pytest.raises(ConfigurationError, match="lies in the future"):
        refresh.run(settings, refresh.Request())
    assert not settings.home.exists()
