"""What must hold for the sheets of the CRM workbook. Bounds were set on 2026-11-22."""

from __future__ import annotations

from datetime import date
from typing import Any

from expectations.vocabulary import (
    between,
    columns_present,
    no_rows,
    one_of,
    row_count,
    without_nulls,
)


def leads(sample: bool) -> list[Any]:
    """Prospects in the sales process."""
    return [
        columns_present(
            ["lead_number", "stage", "amount", "probability", "expected_close_date"],
            why="staging reads these columns",
        ),
        one_of(
            "stage",
            ["New", "Contacted", "Qualified", "Proposal", "Lost"],
            why="the stages of the company's sales process",
        ),
        between("probability", 0, 1, why="a share, not a percentage"),
        between("amount", 0, 10_000_000, why="USD; a pipeline is not negative"),
    ]


def assessments(sample: bool) -> list[Any]:
    """What account managers think of their accounts."""
    return [
        between("market_influence", 0, 10, why="a mark from 0 to 10"),
        between("strategic_importance", 0, 10, why="a mark from 0 to 10"),
        one_of(
            "relationship_level",
            ["ordinary", "preferred", "partner", "strategic"],
            why="普通、优先、伙伴、战略",
        ),
        without_nulls("scorer", why="a mark without a name cannot be asked about"),
        without_nulls("scored_on", why="the newest mark counts"),
    ]


def accounts(sample: bool) -> list[Any]:
    """Companies as sales people write them down."""
    return [
        columns_present(
            ["account_id", "name", "erp_number", "phone", "country", "parent_account"],
            why="staging reads these columns",
        ),
        without_nulls("name", why="nobody can act on a customer without a name"),
        without_nulls(
            "country",
            why="a telephone number is read by it: 2 of 3 accounts without the ERP's "
            "number are found by their telephone",
        ),
        without_nulls("updated_at", why="of two versions the newer one wins"),
        no_rows(
            "erp_numbers_look_like_one",
            "select account_id, erp_number from {batch} "
            "where erp_number is not null "
            "and not regexp_full_match(trim(erp_number), '(?i)aw[0-9]{{8}}')",
            why="AW and eight digits; a company that is found by another's number gets "
            "its revenue",
        ),
        no_rows(
            "an_erp_number_stands_at_few_accounts",
            "select upper(trim(erp_number)) as number, count(*) as accounts from {batch} "
            "where erp_number is not null group by all having count(*) > 3",
            why="a company twice in the CRM is usual; a number at four accounts was "
            "filled down a column",
        ),
        no_rows(
            "no_account_owns_itself",
            "select account_id from {batch} where parent_account = account_id",
            why="its group would have no head",
        ),
        *_whole(
            sample,
            row_count(
                200,
                2_000,
                why="260 accounts on 2026-11-22; an export that was cut off, or one of "
                "every visiting card, is not these accounts",
            ),
            no_rows(
                "parents_are_accounts",
                "select account_id, parent_account from {batch} "
                "where parent_account is not null "
                "and parent_account not in (select account_id from {batch})",
                why="a group without its head loses the head's revenue",
                severity="warning",
            ),
            no_rows(
                "many_accounts_have_the_erp_number",
                "select count(*) as accounts, count(erp_number) as numbers from {batch} "
                "having count(erp_number) < 0.4 * count(*)",
                why="148 of 260 accounts (57 %) have one; far fewer is a lost column",
            ),
        ),
    ]


def contacts(sample: bool) -> list[Any]:
    """People at the accounts."""
    return [
        columns_present(
            ["contact_id", "account_id", "name", "role", "influence", "owner"],
            why="staging reads these columns",
        ),
        without_nulls("account_id", why="coverage is counted by account"),
        without_nulls("name", why="nobody can be asked for"),
        one_of(
            "role",
            ["decision_maker", "influencer", "user", "gatekeeper"],
            why="the roles in a purchase; coverage counts decision makers",
        ),
        between("influence", 0, 10, why="a mark from 0 to 10"),
        between(
            "last_contact_on",
            date(2005, 1, 1),
            date(2099, 12, 31),
            why="a mistyped century would make a contact covered for ever, or never",
        ),
        *_whole(
            sample,
            row_count(
                300,
                10_000,
                why="508 contacts on 2026-11-22, one to three an account; less than one "
                "for every account was cut off",
            ),
            no_rows(
                "contacts_are_spoken_with",
                "select count(*) as contacts, count(last_contact_on) as spoken_with "
                "from {batch} having count(last_contact_on) < 0.5 * count(*)",
                why="one in six was never spoken with (2026-11-22); half of them would "
                "be a lost column, and no account would be covered",
                severity="warning",
            ),
        ),
    ]


def activities(sample: bool) -> list[Any]:
    """Calls, e-mails, visits and meetings."""
    return [
        columns_present(
            ["activity_id", "account_id", "kind", "occurred_at", "minutes", "owner"],
            why="staging reads these columns",
        ),
        without_nulls("occurred_at", why="an activity without a day has no cost"),
        one_of(
            "kind",
            ["call", "email", "meeting", "visit"],
            why="costs are set by kind; another one costs what `*` says",
            severity="warning",
        ),
        between("minutes", 0, 1_440, why="minutes; more than a day is hours mixed in"),
        *_whole(
            sample,
            row_count(
                500,
                200_000,
                why="2,216 activities on 2026-11-22; far fewer is a filtered export",
            ),
        ),
    ]


def campaigns(sample: bool) -> list[Any]:
    """What was spent to win customers."""
    return [
        columns_present(
            ["campaign_number", "acquisition_source", "started_on", "ended_on", "cost"],
            why="staging reads these columns",
        ),
        without_nulls("acquisition_source", why="customers are found by it"),
        without_nulls("started_on", why="a campaign without a day would vanish"),
        without_nulls("cost", why="an unknown cost is not no cost"),
        between("cost", 0, 100_000_000, why="USD; money is spent, not earned"),
        no_rows(
            "campaigns_end_after_they_begin",
            "select campaign_number, started_on, ended_on from {batch} "
            "where ended_on < started_on",
            why="no customer would be found in its days",
        ),
    ]


def surveys(sample: bool) -> list[Any]:
    """Answers of those who called the help desk."""
    return [
        columns_present(
            ["response_id", "account_number", "survey", "score", "responded_at"],
            why="staging reads these columns",
        ),
        one_of("survey", ["nps", "csat"], why="the two scales that are known"),
        without_nulls("responded_at", why="an answer belongs to a period"),
        no_rows(
            "answers_are_on_their_scale",
            "select response_id, survey, score from {batch} where score is null or not "
            "(case survey when 'nps' then score between 0 and 10 "
            "else score between 1 and 5 end)",
            why="nps from 0 to 10, csat from 1 to 5; on another scale shares are wrong",
        ),
    ]


def account_factors(sample: bool) -> list[Any]:
    """Marks of accounts, of us and of competitors there."""
    return [
        between("score", 0, 10, why="a mark from 0 to 10"),
        without_nulls("score", why="a mark without a mark counts for nothing"),
        one_of(
            "dimension",
            ["attractiveness", "strength"],
            why="the two sides of the account matrix",
        ),
        no_rows(
            "about_fits_the_dimension",
            "select account_number, dimension, about from {batch} "
            "where (dimension = 'attractiveness') <> (about = 'account')",
            why="a mark of the account is none of ours, nor of a competitor's",
        ),
        without_nulls("scorer", why="a mark without a name cannot be asked about"),
        without_nulls("scored_on", why="the newest mark counts"),
        without_nulls(
            "evidence", why="a mark without evidence is an opinion", severity="warning"
        ),
    ]


def statements(sample: bool) -> list[Any]:
    """What accounts publish of a year."""
    return [
        columns_present(
            ["account_number", "fiscal_year", "currency", "total_assets"],
            why="staging reads these columns",
        ),
        between("fiscal_year", 1990, 2099, why="a year, not a serial number"),
        without_nulls("currency", why="an amount of no currency is no amount"),
        no_rows(
            "parts_are_within_the_whole",
            "select account_number, fiscal_year from {batch} "
            "where current_assets > total_assets "
            "or current_liabilities > total_liabilities",
            why="two columns in each other's place",
            severity="warning",
        ),
    ]


def _whole(sample: bool, *expectations: Any) -> list[Any]:
    """What can be asked of the whole sheet only, not of a sample."""
    return [] if sample else list(expectations)


SUITES = {
    "leads": leads,
    "assessments": assessments,
    "account_factors": account_factors,
    "statements": statements,
    "accounts": accounts,
    "contacts": contacts,
    "activities": activities,
    "campaigns": campaigns,
    "surveys": surveys,
}
