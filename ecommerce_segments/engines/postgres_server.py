"""Run a command with a private PostgreSQL server, and stop the server when the command ends.

Usage: python -m ecommerce_segments.engines.postgres_server DIRECTORY COMMAND [ARGUMENT ...]

DIRECTORY holds the server's data, for the next command to find: python -m ecommerce_segments.engines.postgres_server
warehouse/postgres psql The command reaches the server by the variables PGHOST, PGPORT, PGUSER and PGDATABASE, and
nobody else does: it listens on a socket in a directory of its own. It trades safety for speed, so it is for data that
can be made again.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    # Written for once, not to survive a power cut.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "work_mem": "128MB",
    "maintenance_work_mem": "128MB",
    "jit": "off",
}


@contextmanager
def running_server(directory: Path) -> Iterator[dict[str, str]]:
    """Start the server whose data are in the directory, made if need be; yield the variables that lead to it; stop it.

    Raises FileNotFoundError where PostgreSQL is not installed, RuntimeError with the server's words where it does not
    start.
    """
    # PostgreSQL refuses to run as root: there, the user `postgres` that its package makes runs it.
    user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    directory.mkdir(parents=True, exist_ok=True)
    directory = directory.resolve()
    with tempfile.TemporaryDirectory(prefix="postgres-") as sockets:
        if user:
            owner = owner_on_behalf_of_root()
            os.chown(directory, owner.pw_uid, owner.pw_gid)
            os.chown(sockets, owner.pw_uid, owner.pw_gid)
        if not (directory / "PG_VERSION").exists():
            # A locale that does not order by code point, as most databases have one: what depends on it shows.
            run([program("initdb"), "--pgdata", directory, "--username=postgres", "--auth=trust", "--encoding=UTF8",
                 "--locale=C", "--locale-provider=icu", "--icu-locale=en-US", "--no-sync"], user)
        options = " ".join(
            f"-c {name}={value or repr('')}"
            for name, value in (SETTINGS | {"unix_socket_directories": sockets}).items()
        )
        log = directory / "server.log"
        log.unlink(missing_ok=True)
        run(
            [
                program("pg_ctl"),
                "start",
                "--wait",
                "--silent",
                "--pgdata",
                directory,
                "--log",
                log,
                "--options",
                options,
            ],
            user,
            log,
        )
        try:
            yield {
                "PGHOST": sockets,
                "PGPORT": "5432",
                "PGUSER": "postgres",
                "PGPASSWORD": "",
                "PGDATABASE": "postgres",
            }
        finally:
            run([program("pg_ctl"), "stop", "--wait", "--silent", "--mode=fast", "--pgdata", directory], user)


def program(name: str) -> str:
    """The path of one of PostgreSQL's programs; Debian keeps them off PATH."""
    installed = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    if found := shutil.which(name) or (installed and str(installed[-1])):
        return found
    raise FileNotFoundError(f"PostgreSQL is not installed: there is no {name} on PATH or in /usr/lib/postgresql. "
                            "On Debian or Ubuntu: apt-get install postgresql")


def owner_on_behalf_of_root() -> pwd.struct_passwd:
    """The user who runs PostgreSQL in the place of root. Raises FileNotFoundError where there is none."""
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        raise FileNotFoundError(
            "PostgreSQL does not run as root, and there is no user `postgres`: install Debian's package "
            "postgresql, which makes one, or run this as another user."
        ) from None


def run(command: list, user: dict, log: Path | None = None) -> None:
    """Run a program of PostgreSQL. Raises RuntimeError with its words, and its log, where it fails."""
    done = subprocess.run(
        command, **user, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        details = log.read_text() if log and log.exists() else ""
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()}\n{details}".strip())


def main() -> int:
    directory, *command = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with running_server(Path(directory)) as variables:
            return subprocess.run(command, env=os.environ | variables, check=False).returncode
    except (FileNotFoundError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
