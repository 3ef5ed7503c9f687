"""What can go wrong with a reader on demand: wishes for the next times a command is sent or a card is presented."""

from __future__ import annotations

from sandbox.stripe.books import Scope
from sandbox.stripe.wire import JSON, ApiError, invalid

# When a command is sent: what the caller is told. Only after `timeout_false` has the reader got it nevertheless.
REFUSALS = {
    "busy": "terminal_reader_busy",
    "offline": "terminal_reader_offline",
    "hardware_fault": "terminal_reader_hardware_fault",
    "timeout": "terminal_reader_timeout",
    "timeout_false": "terminal_reader_timeout",
}
_SAID = {
    "terminal_reader_busy": "Reader is currently busy processing another request.",
    "terminal_reader_offline": "Reader is currently offline, please ensure the reader is powered on and connected.",
    "terminal_reader_hardware_fault": "The reader has a hardware fault and cannot take the request.",
    "terminal_reader_timeout": "There was a timeout when sending this command to the reader.",
}
# When a card is presented: before or after the bank has said its word.
BREAKS = ("slow", "dies_before", "dies_after", "connection_lost_before", "connection_lost_after")
WORDS = {
    "busy": "busy",
    "offline": "offline, though it has power",
    "hardware_fault": "hardware fault",
    "timeout": "does not hear the command, timeout",
    "timeout_false": "timeout, yet it has heard the command",
    "slow": "bank slow to answer",
    "dies_before": "dies when the card is presented, nothing charged",
    "dies_after": "dies after the bank has answered",
    "connection_lost_before": "connection lost, nothing charged",
    "connection_lost_after": "connection lost after the bank has answered",
}


def kind_of(trouble: str) -> str:
    """The kind of the wish in the books; a 400 for a trouble that does not exist."""
    if trouble not in WORDS:
        raise invalid(f"kind must be one of {', '.join(WORDS)}", param="kind")
    return f"reader_{trouble}"


def waiting(scope: Scope, reader: str) -> list[tuple[str, int]]:
    """(trouble, how many times more) that lie ahead of this reader."""
    sql = "SELECT kind, left FROM wishes WHERE kind GLOB 'reader_*' AND left > 0 AND ? GLOB match ORDER BY id"
    return [(row["kind"].removeprefix("reader_"), row["left"]) for row in scope.books.store.all(sql, reader)]


def strikes(scope: Scope, reader: JSON, trouble: str) -> JSON | None:
    """The wish, when this trouble befalls the reader now; it is used up by that."""
    return scope.books.grant(kind_of(trouble), reader["id"])


def refusal(code: str) -> ApiError:
    """HTTP 400 with the code that counts; what was done until then stands."""
    return invalid(_SAID[code], code=code, keep=True)


def wake(scope: Scope, reader: JSON) -> ApiError | None:
    """Send a command to the reader. Raises when it does not arrive; an error to raise later when it did after all."""
    if reader["status"] != "online":
        raise refusal("terminal_reader_offline")
    if reader["_screen"] == "processing":
        raise refusal("terminal_reader_busy")
    for trouble, code in REFUSALS.items():
        if strikes(scope, reader, trouble):
            if trouble == "timeout_false":
                return refusal(code)
            raise refusal(code)
    return None
