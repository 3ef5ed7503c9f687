"""Compiles every template, so that a misspelled tag is found here and not by a patient."""

from __future__ import annotations

import sys
from pathlib import Path

import django
from django.template import TemplateSyntaxError
from django.template.loader import get_template


def broken(folder: Path) -> list[str]:
    """One line per template under `folder` that does not compile."""
    return [line for path in sorted(folder.rglob("*.*")) if path.is_file() and (line := _problem(folder, path))]


def _problem(folder: Path, path: Path) -> str:
    try:
        get_template(str(path.relative_to(folder)))
    except TemplateSyntaxError as error:
        return f"{path}: {error}"
    return ""


if __name__ == "__main__":
    django.setup()
    problems = broken(Path(sys.argv[1]).resolve())
    print("\n".join(problems))
    sys.exit(1 if problems else 0)
