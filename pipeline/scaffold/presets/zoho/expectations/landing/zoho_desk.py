"""What must hold for each list that Zoho Desk gives, and why.

A critical check that fails stops the refresh; a warning is read. `sample` is true when
`check-sources` read the first records only, so that counts and totals mean nothing. That
fields and options are what they were is asked of every source's metadata anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from expectations.vocabulary import no_rows, one_of, row_count, without_nulls


def metadata(sample: bool) -> list[Any]:
    """Fields and options of the lists."""
    return [
        row_count(1, why="a list without fields is one that may not be seen"),
        no_rows(
            "statuses_say_what_they_stand_for",
            "select option_value from {batch} where field = 'statusType' "
            "and option_value <> '' and option_label not in ('Open', 'On Hold', 'Closed')",
            why="staging takes a ticket for closed by the type of its status",
            severity="warning",
        ),
    ]


def accounts(sample: bool) -> list[Any]:
    """Accounts of the desk."""
    return [
        without_nulls("accountName", why="nobody can act on a customer without a name"),
        no_rows(
            "an_account_of_the_crm_is_one_of_the_desk",
            "select crmAccountId from {batch} where crmAccountId is not null "
            "group by crmAccountId having count(*) > 1",
            why="its tickets are counted together; two accounts of the desk are one "
            "customer then",
            severity="warning",
        ),
    ]


def contacts(sample: bool) -> list[Any]:
    """Contacts of the desk."""
    return [without_nulls("id", why="tickets name contacts by it")]


def tickets(sample: bool) -> list[Any]:
    """Tickets."""
    return [
        without_nulls("createdTime", why="a ticket counts from that moment on"),
        without_nulls("modifiedTime", why="increments go by it"),
        one_of(
            "statusType",
            ["Open", "On Hold", "Closed"],
            why="staging takes a ticket for closed by it",
        ),
        no_rows(
            "closed_tickets_have_their_moment",
            "select id, status from {batch} "
            "where statusType = 'Closed' and closedTime is null",
            why="it would count as open for ever",
            severity="warning",
        ),
    ]


SUITES: dict[str, Callable[[bool], list[Any]]] = {
    "metadata": metadata,
    "accounts": accounts,
    "contacts": contacts,
    "tickets": tickets,
}
