"""What every source that is a web service needs, and no word of any one of them.

    clock     the present moment and waiting, so that a test need not wait
    limiter   at most so many calls in so many seconds
    budget    how many calls of a day are used, kept in the home
    tokens    one access token, fetched once by whoever comes first
    answers   what came back, and JSON whose numbers stay exact
    session   one call: limits, token, tries, and errors in plain words
    columns   records of JSON become Arrow, and those that cannot are rejected

Each imports only those above it. Not here: addresses, error codes and paging, which are
each service's own (`pipeline.sources.zoho` and its neighbours).
"""

from pipeline.sources.http.answers import Answer, ServiceError, TokenRefused
from pipeline.sources.http.budget import CallBudget
from pipeline.sources.http.clock import SYSTEM_CLOCK, Clock
from pipeline.sources.http.columns import RecordColumn, batches_of, to_batch
from pipeline.sources.http.limiter import RateLimiter
from pipeline.sources.http.session import Request, Session
from pipeline.sources.http.tokens import Token, TokenCache, shared_cache

__all__ = [
    "SYSTEM_CLOCK",
    "Answer",
    "CallBudget",
    "Clock",
    "RateLimiter",
    "RecordColumn",
    "Request",
    "ServiceError",
    "Session",
    "Token",
    "TokenCache",
    "TokenRefused",
    "batches_of",
    "shared_cache",
    "to_batch",
]
