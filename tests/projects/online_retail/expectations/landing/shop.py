"""What must hold for the shop's invoices; the bounds are those of the public data."""

from __future__ import annotations

from typing import Any

from expectations.vocabulary import no_rows


def invoice_lines(sample: bool) -> list[Any]:
    """Lines of invoices, all text."""
    return [
        no_rows(
            "numbers_are_numbers",
            "select InvoiceNo, Quantity, UnitPrice from {batch} where "
            "try_cast(Quantity as integer) is null "
            "or try_cast(UnitPrice as decimal(12, 3)) is null",
            why="revenue is their product",
        )
    ]


SUITES = {"invoice_lines": invoice_lines}
