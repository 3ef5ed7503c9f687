"""A throw-away PostgreSQL (durable as in production) and Valkey for one measurement, and the environment they make."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ops import ports, postgres, testdb, valkey
from ops.places import Places, Secrets
from ops.supervisor import Supervisor


@contextmanager
def running(place: Places) -> Iterator[dict[str, str]]:
    """Addresses and keys for one run. A server named by DATABASE_SUPERUSER_URL is used instead of one of our own."""
    supervisor = Supervisor()
    kept = Secrets.fresh()
    try:
        given = os.environ.get("DATABASE_SUPERUSER_URL")
        superuser = given or _start_postgres(supervisor, place, kept)
        redis = _start_valkey(supervisor, place, kept)
        name = f"kasperpay_bench_{os.getpid()}"
        app, owner = testdb.create(superuser, name)
        try:
            yield {
                **_environment(place, kept),
                "DATABASE_SUPERUSER_URL": superuser,
                "DATABASE_URL": app,
                "DATABASE_OWNER_URL": owner,
                "REDIS_URL": redis,
            }
        finally:
            if given:
                testdb.drop(superuser, name)
    finally:
        supervisor.stop()
        postgres.remove(place.data)


def _start_postgres(supervisor: Supervisor, place: Places, kept: Secrets) -> str:
    cluster = postgres.prepare(place.data, password=kept.postgres_password, port=ports.free_port())
    supervisor.start(postgres.service(cluster, place.log / "postgres.log"))
    return cluster.url("postgres")


def _start_valkey(supervisor: Supervisor, place: Places, kept: Secrets) -> str:
    port, folder = ports.free_port(), place.data / "valkey"
    log = place.log / "valkey.log"
    supervisor.start(valkey.service(folder, log, port=port, password=kept.valkey_password, throw_away=True))
    return valkey.url(port, kept.valkey_password)


def _environment(place: Places, kept: Secrets) -> dict[str, str]:
    return {
        "DJANGO_SETTINGS_MODULE": "kasperpay.settings",
        "SECRET_KEY": kept.secret_key,
        "FIELD_KEYS": kept.field_keys,
        "BASE_URL": "http://127.0.0.1:8000",
        "ALLOWED_HOSTS": "*",
        "STATIC_ROOT": str(place.static),
        "STATICFILES_STORAGE": "django.contrib.staticfiles.storage.StaticFilesStorage",
        "EMAIL_URL": "memorymail://",
        "LOG_LEVEL": "ERROR",
        "BENCH_FOLDER": str(place.data),
    }
