"""Whether new migrations leave the previous release's code working: while machines are replaced, both run.

What is taken away or made stricter comes a release after the code that needed it (docs/operations.md, "Releases").
Applied migrations are frozen, so each is judged once; `# compatible: why` in a migration says that a person did.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

# The first release's own migrations made the tables: there was no earlier code.
FIRST = {"0001_initial.py", "0002_row_level_security.py"}
TAKES_AWAY = {
    "DeleteModel": "deletes a table",
    "RemoveField": "drops a column",
    "RenameField": "renames a column",
    "RenameModel": "renames a table",
    "AlterModelTable": "renames a table",
    "AlterField": "alters a column",
    "AddConstraint": "adds a constraint that the previous release does not know",
    "AlterUniqueTogether": "adds a constraint that the previous release does not know",
}
_SQL = re.compile(
    r"\b(?:DROP\s+(?:TABLE|COLUMN|FUNCTION|VIEW|SCHEMA)|RENAME\s+(?:TO|COLUMN)|SET\s+NOT\s+NULL|ALTER\s+COLUMN\s+\S+\s+TYPE"
    r"|TRUNCATE)\b",
    re.IGNORECASE,
)
_JUDGED = re.compile(r"^# compatible: \S+", re.MULTILINE)


def violations(root: Path, files: list[str]) -> list[str]:
    """One line per finding in the migrations among `files`."""
    found = []
    for name in files:
        parts = name.split("/")
        if len(parts) == 3 and parts[1] == "migrations" and parts[2][:1].isdigit() and parts[2] not in FIRST:
            found += [f"{name}:{line}: {what}" for line, what in of_text((root / name).read_text())]
    return found


def of_text(text: str) -> list[tuple[int, str]]:
    """(line, what is wrong) of one migration."""
    if _JUDGED.search(text):
        return []
    tree = ast.parse(text)
    created = {_word(call, "name") for call in _calls(tree) if _name(call) == "CreateModel"}
    calls = [call for call in _calls(tree) if _word(call, "model_name") not in created - {None}]
    return sorted({(call.lineno, what) for call in calls for what in _wrong(call)})


def _wrong(call: ast.Call) -> Iterator[str]:
    name = _name(call)
    if name in TAKES_AWAY:
        yield TAKES_AWAY[name]
    if name == "AddField" and not _fills_itself(call):
        yield "adds a column that the previous release's INSERT leaves empty: give it null=True or a db_default"
    if name == "RunSQL" and call.args and any(_SQL.search(text) for text in _texts(call.args[0])):
        yield "its SQL takes away or makes stricter"


def _fills_itself(call: ast.Call) -> bool:
    """Null or a default of the database's own: Django's `default` is not known to the previous release."""
    field = _value(call, "field", 2)
    if not isinstance(field, ast.Call) or _name(field) == "ManyToManyField":
        return isinstance(field, ast.Call)
    words = {word.arg: word.value for word in field.keywords}
    null = words.get("null")
    return "db_default" in words or (isinstance(null, ast.Constant) and null.value is True)


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _value(call: ast.Call, name: str, place: int) -> ast.expr | None:
    found = next((word.value for word in call.keywords if word.arg == name), None)
    return call.args[place] if found is None and len(call.args) > place else found


def _word(call: ast.Call, name: str) -> str | None:
    """The first argument, which names the model."""
    value = _value(call, name, 0)
    return str(value.value).lower() if isinstance(value, ast.Constant) else None


def _texts(node: ast.AST) -> list[str]:
    """The literal texts in it."""
    return [one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
