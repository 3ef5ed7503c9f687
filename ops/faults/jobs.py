"""What a forked child of the zygote can be: a Celery worker, the beat, the web server, or one errand."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from ops.faults import killing, scaling, tether
from ops.faults.points import Armory


def prepare() -> None:
    """Load everything once, put the crash points and the shorter waits in place, then what a test plants."""
    import django

    django.setup()
    app = import_module("kasperpay.celery").app
    app.loader.import_default_modules()
    import_module("kasperpay.urls")
    scaling.install()
    killing.install(Armory(Path(os.environ["FAULTS_FOLDER"])))
    for planted in json.loads(os.environ.get("FAULTS_PLANT", "[]")):
        _function(planted)()


def celery(*arguments: str) -> None:
    import_module("kasperpay.celery").app.start(argv=list(arguments))


def web(port: str) -> None:
    """Granian as in production; its workers are forked from here, so a killed one is back at once."""
    from granian import Granian
    from granian.constants import Interfaces

    master = os.getpid()
    os.register_at_fork(after_in_child=lambda: tether.to_parent(master))
    Granian(
        "kasperpay.wsgi:application", address="127.0.0.1", port=int(port), interface=Interfaces.WSGI, workers=2,
        blocking_threads=8, websockets=False, respawn_failed_workers=True, respawn_interval=0.05,
    ).serve()  # fmt: skip


def errand(function: str, answer: str, *given: Any) -> None:
    """Call "module:function" and leave what it returns in the file `answer`, as JSON."""
    draft = Path(f"{answer}.new")
    draft.write_text(json.dumps(_function(function)(*given)))
    draft.replace(answer)


def _function(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


JOBS: dict[str, Callable[..., None]] = {"celery": celery, "web": web, "errand": errand}
