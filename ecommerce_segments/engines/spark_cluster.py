"""Run a command with a private cluster of Apache Spark, and stop the cluster when the command ends.

Usage: python -m ecommerce_segments.engines.spark_cluster COMMAND [ARGUMENT ...]

A master and two workers of one core each run as processes of their own, reached on this machine alone. The command
finds them by the variable SPARK_MASTER, and no core besides: what it does with Spark is done by the workers.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyspark

WORKERS = 2
SECONDS_TO_START = 120


class Cluster:
    """The processes of a cluster, and where to reach it."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.port, self.page = free_ports(2)
        self.address = f"spark://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen] = {}

    def start(self, name: str, *arguments: str) -> None:
        """Start a program of Spark in a process group of its own: its executors go with it."""
        with (self.directory / f"{name}.log").open("w") as log:
            self.processes[name] = subprocess.Popen(
                [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), *arguments],
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"SPARK_DAEMON_MEMORY": "512m", "SPARK_NO_DAEMONIZE": "1"},
            )

    def kill(self, name: str) -> None:
        """End a program and its executors at once, as a machine does that loses its power."""
        os.killpg(self.processes[name].pid, signal.SIGKILL)
        self.processes.pop(name).wait()

    def workers(self) -> int:
        """How many workers the master believes alive."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.page}/json/", timeout=10) as answer:
            return json.load(answer)["aliveworkers"]


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a cluster, yield it when all workers have reported, and stop it.

    Raises RuntimeError with the logs where it does not start.
    """
    with tempfile.TemporaryDirectory(prefix="spark-", ignore_cleanup_errors=True) as directory:
        cluster = Cluster(Path(directory))
        try:
            cluster.start(
                "master",
                "org.apache.spark.deploy.master.Master",
                "--host",
                "127.0.0.1",
                "--port",
                str(cluster.port),
                "--webui-port",
                str(cluster.page),
            )
            for number in range(WORKERS):
                cluster.start(
                    f"worker_{number}",
                    "org.apache.spark.deploy.worker.Worker",
                    "--host",
                    "127.0.0.1",
                    "--cores",
                    "1",
                    "--memory",
                    "1g",
                    "--webui-port",
                    "0",
                    "--work-dir",
                    f"{directory}/worker_{number}",
                    cluster.address,
                )
            wait_for_workers(cluster)
            yield cluster
        finally:
            for name in list(cluster.processes):
                cluster.kill(name)


def wait_for_workers(cluster: Cluster) -> None:
    """Return when the master knows all workers. Raises RuntimeError with the logs where that takes too long."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and all(process.poll() is None for process in cluster.processes.values()):
        try:
            if cluster.workers() == WORKERS:
                return
        except OSError:
            pass
        time.sleep(0.5)
    logs = "\n".join(log.read_text()[-2000:] for log in sorted(cluster.directory.glob("*.log")))
    raise RuntimeError(f"The cluster of Apache Spark did not start:\n{logs}")


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens to, all of them different."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def main() -> int:
    if not sys.argv[1:]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        with running_cluster() as cluster:
            return subprocess.run(sys.argv[1:], env=os.environ | {"SPARK_MASTER": cluster.address}).returncode
    except (OSError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
