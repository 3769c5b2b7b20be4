"""The exceptions that cross a room's boundary, each with the exit code it means.

A message says what happened, where, and what to do. Anything else that escapes is a
defect of ours and ends with exit code 1.
"""


class CustomerTiersError(Exception):
    """An error that a person can act on; its text is printed without a traceback."""

    exit_code = 1


class ConfigurationError(CustomerTiersError):
    """Wrong usage, wrong settings, or a `sources.yaml` that makes no sense."""

    exit_code = 2


class GateRefused(CustomerTiersError):
    """A gate refused the data; nothing that a reader sees has changed."""

    exit_code = 3


class RefreshRunning(CustomerTiersError):
    """Another refresh holds the lock of this home."""

    exit_code = 4


class SourceUnavailable(CustomerTiersError):
    """A source could not be reached or read.

    Attributes:
        may_pass: It may work when it is tried again a little later.
    """

    exit_code = 5

    def __init__(self, message: str, *, may_pass: bool = False) -> None:
        super().__init__(message)
        self.may_pass = may_pass
