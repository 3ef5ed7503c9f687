"""KasperPay's own processes and steps (migrate, static files, web, workers, beat) and the environment they share."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from ops.children import ROOT, Service
from ops.outside import Outside
from ops.places import Places, Secrets
from ops.ports import answers_http

WORKERS = ("worker-charges", "worker-default", "beat")
LOOPBACK = "127.0.0.1,localhost,::1"


def clean_environment() -> dict[str, str]:
    """The caller's environment without what would slow Python down or send loopback calls through a proxy."""
    kept = {name: value for name, value in os.environ.items() if name not in {"PYTHONDONTWRITEBYTECODE", "DEBUG"}}
    beyond = kept.get("NO_PROXY") or kept.get("no_proxy") or ""
    kept["NO_PROXY"] = kept["no_proxy"] = ",".join(part for part in (beyond, LOOPBACK) if part)
    return {**kept, "PYTHONUNBUFFERED": "1"}


def environment(
    places: Places, secrets: Secrets, ports: Mapping[str, int], outside: Outside, stores: Mapping[str, str]
) -> dict[str, str]:
    """Everything the settings read. `stores` holds DATABASE_URL, DATABASE_OWNER_URL and REDIS_URL."""
    base = clean_environment()
    return {
        **base,
        **stores,
        "DJANGO_SETTINGS_MODULE": "kasperpay.settings",
        "SECRET_KEY": base.get("SECRET_KEY") or secrets.secret_key,
        "FIELD_KEYS": base.get("FIELD_KEYS") or secrets.field_keys,
        "BASE_URL": f"http://127.0.0.1:{ports['web']}",
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "STATIC_ROOT": str(places.static),
        "EMAIL_URL": base.get("EMAIL_URL") or f"smtp://127.0.0.1:{ports['smtp']}",
        "CLOCK_FILE": str(places.clock),
        "CLOCK_CONTROL_URL": outside.control,
        "CARD_PAGE_ORIGINS": f"https://checkout.stripe.com,{outside.stripe}",
        "OPENDENTAL_SANDBOX_URL": outside.opendental,
        "STRIPE_SANDBOX_URL": outside.stripe,
        "MESSAGING_SANDBOX_URL": outside.messaging,
        "DEMO_FILE": str(places.demo),
    }


def manage(places: Places, environment: Mapping[str, str], *arguments: str) -> Service:
    """One `manage.py` step, to be run to its end."""
    command = [sys.executable, "manage.py", *arguments]
    return Service(arguments[0], command, environment, places.log / f"{arguments[0]}.log", is_ready=lambda: True)


def web(places: Places, environment: Mapping[str, str], port: int) -> Service:
    """Granian: checkout views wait for the processor, hence several threads per worker."""
    size = ("--workers", "2", "--blocking-threads", "8", "--no-ws", "--respawn-failed-workers")
    # A worker that is told to stop while it starts misses it, and its master would wait for ever.
    patience = ("--workers-kill-timeout", "10")
    address = ("--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port))
    return Service(
        name="web",
        command=[sys.executable, "-m", "granian", *address, *size, *patience, "kasperpay.wsgi:application"],
        environment=named("web", environment),
        log=places.log / "web.log",
        is_ready=answers_http(port, "/healthz"),
        # A killed master would leave its workers; asked nicely, it takes them along.
        orphan_signal=signal.SIGTERM,
    )


def workers(places: Places, environment: Mapping[str, str]) -> list[Service]:
    """Charges on threads of their own, everything else, and the timetable."""
    quiet = ("--without-gossip", "--without-mingle", "-l", "INFO")
    charges = ("worker", "-Q", "charges", "-P", "threads", "-c", "32", "-n", "charges@%h", *quiet)
    default = ("worker", "-Q", "default", "-P", "threads", "-c", "8", "-n", "default@%h", *quiet)
    beat = ("beat", "-s", str(places.data / "beat-schedule"), "--pidfile=", "-l", "INFO")
    jobs = dict(zip(WORKERS, (charges, default, beat), strict=True))
    return [_celery(name, arguments, places, environment) for name, arguments in jobs.items()]


def _celery(name: str, arguments: tuple[str, ...], places: Places, environment: Mapping[str, str]) -> Service:
    command = [sys.executable, "-m", "celery", "-A", "kasperpay", *arguments]
    log = places.log / f"{name}.log"
    said = "beat: Starting" if arguments[0] == "beat" else " ready."
    # A charge asks short questions, the same ones over and over (settings.py).
    prepared = {"PREPARE_STATEMENTS": "true"} if name == WORKERS[0] else {}
    return Service(name, command, named(name, {**environment, **prepared}), log, is_ready=_says(log, said))


def named(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """PostgreSQL's pg_stat_activity then says whose connection it is."""
    return {**environment, "PGAPPNAME": f"kasperpay-{name}"}


def _says(log: Path, text: str) -> Callable[[], bool]:
    """A readiness check: the log has this text after what it holds now."""
    before = log.stat().st_size if log.exists() else 0

    def check() -> bool:
        if not log.exists():
            return False
        with log.open("rb") as file:
            file.seek(before)
            return text.encode() in file.read()

    return check


def static_stamp() -> str:
    """Changes when a static file or a locked package (some bring static files) does."""
    digest = hashlib.sha256((ROOT / "requirements/run.txt").read_bytes())
    for path in sorted(_files(ROOT / "static")):
        state = path.stat()
        digest.update(f"{path.relative_to(ROOT)} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
