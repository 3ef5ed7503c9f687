"""docs/operations.md explains every kind of alarm that the code can raise, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import TypeGuard

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
    modules = [list(ast.walk(ast.parse(path.read_text()))) for app in APPS for path in (ROOT / app).rglob("*.py")]
    nodes = [node for module in modules for node in module]
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    plain = {kind for module in modules for kind in _raised(module)}
    # f"POSTING_{state}" with each state that is handed to `stuck`.
    states = {
        arg.attr for call in calls if _name(call) == "stuck" for arg in call.args if isinstance(arg, ast.Attribute)
    }
    starts = {start for node in nodes if isinstance(node, ast.JoinedStr) for start in _starts(node)}
    return plain | {f"{start}{state}" for start in starts for state in states if state.isupper()}


def _raised(module: list[ast.AST]) -> Iterator[str]:
    """Kinds that stand in a call, or in what the module gives the name that stands there."""
    given = dict(pair for node in module if isinstance(node, ast.Assign) for pair in _assigned(node))
    for call in module:
        if isinstance(call, ast.Call) and _name(call) in RAISERS:
            for value in (*call.args, *(word.value for word in call.keywords if word.arg == "kind")):
                yield from _words(given.get(value.id) if isinstance(value, ast.Name) else value)


def _assigned(node: ast.Assign) -> Iterator[tuple[str, ast.expr]]:
    target, value = node.targets[0], node.value
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from ((one.id, part) for one, part in zip(target.elts, value.elts, strict=False) if _is_name(one))
    elif isinstance(target, ast.Name):
        yield target.id, value


def _is_name(node: ast.expr) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name)


def _words(value: ast.expr | None) -> Iterator[str]:
    choices = [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]
    for one in choices:
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and KIND.fullmatch(one.value):
            yield one.value


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
