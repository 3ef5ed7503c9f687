"""What the API answers instead of a result: a status and an explanation, sent as one JSON string."""

from __future__ import annotations


class ApiError(Exception):
    def __init__(self, status: int, explanation: str) -> None:
        super().__init__(explanation)
        self.status = status
        self.explanation = explanation


def bad(explanation: str) -> ApiError:
    return ApiError(400, explanation)


def unauthorized(explanation: str) -> ApiError:
    return ApiError(401, explanation)


def not_found(explanation: str) -> ApiError:
    return ApiError(404, explanation)
