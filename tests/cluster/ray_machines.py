"""A Ray cluster of hosts that this machine plays: a head that runs no trials, and workers that come and go."""

from __future__ import annotations

import pathlib
import subprocess
import sys
import time

from tests.cluster.own_host import REPOSITORY, Done, OwnHost

NETWORK = "10.214.0"
PORT = 6379
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "OMP_NUM_THREADS": "1"}
# Ten seconds without a sign, so that a test need not wait for a minute to see a machine gone.
NOTICES = {"RAY_health_check_period_ms": "1000", "RAY_health_check_failure_threshold": "10"}
SMALL = ("--object-store-memory=100000000", "--disable-usage-stats")


class RayMachines:
    """A head and its workers, each with a network, processes, home and name of its own.

    Args:
        folder: their own files.
        shared: folders that all see at the same place, as a shared disk would be.
    """

    def __init__(self, folder: pathlib.Path, *shared: pathlib.Path) -> None:
        self.folder, self._shared = folder, (*shared, REPOSITORY, pathlib.Path(sys.prefix))
        self.workers: dict[str, OwnHost] = {}
        self._made = 0
        self.head = self._host("head")
        self.head.run("ip", "link", "add", "bridge", "type", "bridge")
        self.head.run("ip", "address", "add", f"{NETWORK}.1/24", "dev", "bridge")
        self.head.run("ip", "link", "set", "bridge", "up")
        self.head.run("bash", "-c", "umask 077; ray get-auth-token --generate > /dev/null", **QUIET)
        self._ray(self.head, "head", "--head", f"--port={PORT}", f"--node-ip-address={NETWORK}.1", "--num-cpus=0")

    def add(self, name: str, *before: str) -> OwnHost:
        """Start a worker of one CPU slot, its commands `before` run there first, and wait until the head counts it."""
        host = self.prepare(name, *before)
        address = self.address(name)
        self._ray(host, name, f"--address={NETWORK}.1:{PORT}", f"--node-ip-address={address}", "--num-cpus=1")
        return host

    def prepare(self, name: str, *before: str) -> OwnHost:
        """Start a worker's host, without Ray."""
        host = self.workers[name] = self._host(name)
        cable = f"{name}-{self._made}"
        # From here, since only here both are known by their processes.
        network = ["nsenter", "--target", str(self.head.pid), "--net", "ip", "link"]
        end = ["peer", "name", "eth0", "netns", str(host.pid)]
        subprocess.run([*network, "add", cable, "type", "veth", *end], check=True)
        subprocess.run([*network, "set", cable, "master", "bridge", "up"], check=True)
        host.run("ip", "address", "add", f"{self.address(name)}/24", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
        token = host.home / ".ray" / "auth_token"
        token.parent.mkdir()
        token.write_text((self.head.home / ".ray" / "auth_token").read_text())
        token.chmod(0o600)
        for command in before:
            host.run("bash", "-c", command)
        return host

    def address(self, name: str) -> str:
        """Return a worker's address, the same when it comes back."""
        return f"{NETWORK}.{10 + int(name.removeprefix('node'))}"

    def lose(self, name: str) -> None:
        """Switch a worker off, without a word to anybody."""
        self.workers.pop(name).close()

    def wait_for(self, count: int) -> None:
        """Wait until the head counts so many workers."""
        ask = f"import ray; ray.init('{NETWORK}.1:{PORT}'); print(sum(n['Alive'] for n in ray.nodes()) - 1)"
        until = time.monotonic() + 1200
        while self.head.run("python", "-c", ask, **QUIET).stdout.split()[-1] != str(count):
            assert time.monotonic() < until, f"there are not {count} workers"

    def run(self, *words: str, check: bool = True, timeout: float = 3000) -> Done:
        """Run a command on the head that joins the cluster."""
        return self.head.run(*words, check=check, timeout=timeout, **self.settings())

    def begin(self, *words: str, output: pathlib.Path) -> subprocess.Popen:
        """Start a command on the head that joins the cluster, its output into a file."""
        with output.open("w") as file:
            command = self.head.command(*words, **self.settings())
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file)

    def settings(self, **more: str) -> dict[str, str]:
        """Return the environment of a command on the head."""
        return {**QUIET, "RAY_ADDRESS": f"{NETWORK}.1:{PORT}", "RAYSP_CHECKPOINT_S": "0.2", **more}

    def close(self) -> None:
        """End everything."""
        for host in (*self.workers.values(), self.head):
            host.close()

    def _host(self, name: str) -> OwnHost:
        self._made += 1
        return OwnHost(self.folder / f"{name}-{self._made}", self.folder, *self._shared)

    def _ray(self, host: OwnHost, name: str, *options: str) -> None:
        start = f"hostname {name}; ulimit -n $(ulimit -Hn); ray start {' '.join((*options, *SMALL))}"
        host.run("unshare", "--uts", "bash", "-c", start, **QUIET, **NOTICES)
