"""What must hold for each list that Zoho Desk gives, and why.

A critical check that fails stops the refresh; a warning is read. `sample` is true when
`check-sources` read the first records only, so that counts and totals mean nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from expectations.vocabulary import no_rows, one_of, without_nulls


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
    "accounts": accounts,
    "contacts": contacts,
    "tickets": tickets,
}
