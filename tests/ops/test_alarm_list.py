"""docs/operations.md explains every kind of alarm that the code can raise, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from ops.children import ROOT

APPS = (
    "cards",
    "kasperpay",
    "leakage",
    "notifications",
    "opendental",
    "patients",
    "paylinks",
    "payments",
    "payplans",
    "processors",
    "terminals",
)
# What opens an alarm, and the helpers that hand a kind on to it.
RAISERS = {"raise_once", "alarm", "_tell", "_raise", "_alarm"}
KIND = re.compile(r"[A-Z]{4,}(?:_[A-Z]+)*")


def of_code() -> set[str]:
    nodes = [
        node for app in APPS for path in (ROOT / app).rglob("*.py") for node in ast.walk(ast.parse(path.read_text()))
    ]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    plain = {kind for call in calls if _name(call) in RAISERS for kind in _kinds(call)}
    # f"POSTING_{state}" with each state that is handed to `stuck`.
    states = {
        arg.attr for call in calls if _name(call) == "stuck" for arg in call.args if isinstance(arg, ast.Attribute)
    }
    starts = {start for node in nodes if isinstance(node, ast.JoinedStr) for start in _starts(node)}
    return plain | {f"{start}{state}" for start in starts for state in states if state.isupper()}


def _kinds(call: ast.Call) -> Iterator[str]:
    for value in (*call.args, *(word.value for word in call.keywords if word.arg == "kind")):
        if isinstance(value, ast.Constant) and isinstance(value.value, str) and KIND.fullmatch(value.value):
            yield value.value


def _starts(text: ast.JoinedStr) -> Iterator[str]:
    first = text.values[0]
    if isinstance(first, ast.Constant) and re.fullmatch(r"POSTING_", str(first.value)):
        yield str(first.value)


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def of_page() -> list[str]:
    text = (ROOT / "docs/operations.md").read_text()
    table = text.split("## Alarms", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"^\| ([A-Z_]+) \|", table, re.MULTILINE)


def test_every_alarm_of_the_code_is_explained_once_and_no_other() -> None:
    explained = of_page()

    assert len(explained) == len(set(explained))
    assert set(explained) == of_code()


def test_the_search_sees_alarms_in_all_their_forms() -> None:
    forms = {"CONTRADICTION", "POSTING_MISMATCH", "POSTING_REFUSED", "OFFICE_PAYMENT_TAKEN_BACK", "RECOVERY_UNPLACED"}
    assert forms <= of_code()
    opened = re.compile(r"\bAlarm\(|Alarm\.objects\.(?:create|bulk_create)")
    paths = [path for app in APPS for path in (ROOT / app).rglob("*.py")]
    # Nobody opens one past raise_once, where this test would not see its kind.
    assert [
        str(path.relative_to(ROOT)) for path in paths if opened.search(path.read_text().replace("class Alarm(", ""))
    ] == []
