"""What can go wrong when Open Dental is asked, told apart by the text of the answer and not only by its status.

`str()` of these errors is safe for logs; `explanation` is the office's own sentence and is shown to staff only.
"""

from __future__ import annotations

import re

_CONNECTIVITY = re.compile(
    r"eConnector|timed?[ -]?out|time-?out|unable to (connect|reach)|could not (connect|be reached)|cannot be reached|"
    r"not reachable|offline|connection (was|is|to|refused|lost)|no response from",
    re.IGNORECASE,
)
_VERSION = re.compile(
    r"requires (Open Dental )?(version )?\d|version (is )?too (low|old)|not (available|supported) in (this )?version|"
    r"or (later|newer|higher)|later version|is not a valid (method|resource)|deprecated as of",
    re.IGNORECASE,
)


class OpenDentalError(Exception):
    """Base. `certainly_not_done` is True when a write surely had no effect; False means it must be searched for."""

    plain = "Open Dental gave an answer that can't be used"

    def __init__(self, request: str, *, explanation: str = "", certainly_not_done: bool = True) -> None:
        super().__init__(f"{type(self).__name__}: {request}")
        self.explanation = explanation[:300]
        self.certainly_not_done = certainly_not_done

    @property
    def reason(self) -> str:
        """A sentence for staff: what it means, and Open Dental's words where there are any."""
        return f"{self.plain}: {self.explanation}" if self.explanation else f"{self.plain}."


class UnableToReachOffice(OpenDentalError):
    plain = "The office's Open Dental can't be reached"


class Refused(OpenDentalError):
    plain = "Open Dental refused it"


class NotAllowed(OpenDentalError):
    plain = "Open Dental does not accept the key, or the key lacks a permission"


class NotFoundInOffice(OpenDentalError):
    plain = "Open Dental no longer has it"


class TooOldVersion(OpenDentalError):
    plain = "The office's Open Dental version can't do this"


class Throttled(OpenDentalError):
    plain = "Open Dental asks us to slow down"

    def __init__(self, request: str, *, retry_after: float, explanation: str = "") -> None:
        super().__init__(request, explanation=explanation)
        self.retry_after = retry_after


class Busy(Throttled):
    """Not sent: our own queue for this office is too long, or the office is silent. It asked for nothing itself."""

    plain = "Open Dental is still busy with other requests"


def from_answer(request: str, status: int, explanation: str, *, retry_after: float) -> OpenDentalError:
    """The error that an answer other than 200 or 201 means. `request` is method and resource only."""
    if status == 429:
        return Throttled(request, retry_after=retry_after, explanation=explanation)
    if status == 401:
        return NotAllowed(request, explanation=explanation)
    if status == 410 or (status in (400, 404) and _VERSION.search(explanation)):
        return TooOldVersion(request, explanation=explanation)
    if status == 404:
        return NotFoundInOffice(request, explanation=explanation)
    if status == 400 and not _CONNECTIVITY.search(explanation):
        return Refused(request, explanation=explanation)
    # 5xx, 504, a redirect, or a 400 that says the office was lost on the way: a write may have been done.
    return UnableToReachOffice(request, explanation=explanation, certainly_not_done=False)
