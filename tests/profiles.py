"""How many examples a property test tries: few in `make test`, all in the campaign.

`CUSTOMER_TIERS_TEST_PROFILE=thorough` tries as many as each test says; otherwise a fifth of
them, which keeps the tests of every change short. What a property found once stands as
an `@example` of its own and is tried always.
"""

from __future__ import annotations

import os

THOROUGH = os.environ.get("CUSTOMER_TIERS_TEST_PROFILE") == "thorough"
FEWEST = 5


def examples(thorough: int, fast: int | None = None) -> int:
    """The number of examples of a property under the present profile.

    Args:
        thorough: How many the campaign tries.
        fast: How many are tried otherwise, where a fifth is too many or too few.
    """
    if THOROUGH:
        return thorough
    return fast or max(min(FEWEST, thorough), thorough // 5)
