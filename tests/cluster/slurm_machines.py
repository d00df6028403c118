"""A Slurm cluster of machines that this one plays: each has its own network, processes, name and /tmp."""

import contextlib
import ipaddress
import os
import pathlib
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import psutil

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "unshare", "nsenter", "ip", "ss", "mount")
REPOSITORY = pathlib.Path(__file__).parent.parent.parent
NETWORK = "10.213.0"
SLURMD_PORT = "6818"
CONF = """
ClusterName=played
SlurmctldHost=controller({network}.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
MailProg=/bin/true
PlugStackConfig=/dev/null
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n/slurmd.log
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=batch_sched_delay=0
GresTypes=gpu
{nodes}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=urgent Nodes=ALL PriorityTier=9 PreemptMode=OFF MaxTime=INFINITE State=UP
"""
# What a machine sees as its own /tmp is empty, but for the folders that a shared disk would show on all of them.
NODE = """
set -eu
mount --make-rprivate /
mount --bind "$own/hosts" /etc/hosts
for shared in $shared; do
    mkdir -p "$own$shared"
    mount --bind "$shared" "$own$shared"
done
mount --rbind "$own/tmp" /tmp
[ -z "$hidden" ] || mount -t tmpfs none "$hidden"
exec > "$own/slurmd.out" 2>&1
until ip link show eth0; do sleep 0.1; done
ip address add "$address/24" dev eth0
ip link set eth0 up
slurmd -D -N "$name" &
wait
"""
CONTROLLER = """
set -eu
exec > "$folder/controller.out" 2>&1
ip link add bridge type bridge
ip address add "$address/24" dev bridge
ip link set bridge up
munged --foreground --force --key-file="$folder/key" --socket="$folder/munge.sock" --pid-file="$folder/munged.pid" \
    --log-file="$folder/munged.log" --seed-file="$folder/munged.seed" &
until [ -S "$folder/munge.sock" ]; do sleep 0.1; done
slurmctld -D &
wait
"""


def lacking() -> str | None:
    """Return why a cluster cannot be played here, None where it can."""
    os.environ["PATH"] += os.pathsep + "/usr/sbin"
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)} (Debian: apt-get install slurm-wlm munge iproute2)"
    asked = subprocess.run(
        ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "ip", "link", "add", "probe", "type", "bridge"],
        capture_output=True,
        text=True,
        check=False,
    )
    return f"machines cannot be played here: {asked.stderr.strip()}" if asked.returncode else None


class Cluster:
    """A Slurm controller and nodes, each a set of namespaces; `stop` ends all their processes at once.

    Args:
        folder: what all machines share.
        shared: more folders that all see.
        hidden: node -> a folder that is empty there.
    """

    def __init__(
        self,
        folder: pathlib.Path,
        *,
        nodes: int = 2,
        shared: tuple[str, ...] = (),
        hidden: Mapping[str, str] | None = None,
    ) -> None:
        self.folder, self.nodes, self._hidden = folder, [f"node{i}" for i in range(nodes)], hidden or {}
        folders = {str(folder), str(REPOSITORY), sys.prefix, sys.base_prefix, *shared}
        # The outermost alone: a mount of a folder shows what is below it.
        inner = {one for one in folders for other in folders if one != other and one.startswith(f"{other}/")}
        self._shared = sorted(one for one in folders - inner if one.startswith("/tmp/"))
        self._machines: dict[str, subprocess.Popen] = {}

    def start(self) -> None:
        """Start the machines, and wait until Slurm calls all of them idle."""
        self._write()
        self._machine("controller", f"{NETWORK}.1", CONTROLLER)
        for number, name in enumerate(self.nodes):
            self._machine(name, f"{NETWORK}.{10 + number}", NODE)
            self._cable(name)
        until = time.monotonic() + 600
        while self.command("sinfo", "-h", "-o", "%D %T", check=False).stdout.split() != [str(len(self.nodes)), "idle"]:
            assert time.monotonic() < until, (self.folder / "slurmctld.log").read_text()[-2000:]
            time.sleep(0.5)

    def stop(self) -> None:
        """End every process of every machine."""
        for machine in self._machines.values():
            machine.kill()
            machine.wait()

    def command(self, *args: str, check: bool = True) -> subprocess.CompletedProcess:
        """Run one of Slurm's commands on the controller."""
        network = f"--net=/proc/{self._first('controller').pid}/ns/net"
        return subprocess.run(
            ["nsenter", network, *args],
            capture_output=True,
            text=True,
            check=check,
            timeout=600,
            cwd=self.folder,
            env={**os.environ, "SLURM_CONF": str(self.folder / "slurm.conf")},
        )

    def submit(self, script: pathlib.Path, *options: str) -> str:
        """Submit a script, and return the job's number."""
        return self.command("sbatch", "--parsable", *options, str(script)).stdout.strip()

    def job(self, number: str) -> dict[str, str]:
        """Return what Slurm says of a job."""
        for _ in range(10):
            # On a busy machine the controller may hang up before it has answered.
            done = self.command("scontrol", "-o", "show", "job", number, check=False)
            if done.returncode == 0:
                break
            time.sleep(2)
        else:
            raise AssertionError(done.stderr)
        text = done.stdout
        return dict(part.split("=", 1) for part in text.split() if "=" in part)

    def wait(self, number: str, seconds: float = 240) -> str:
        """Return the state that a job ended in."""
        until = time.monotonic() + seconds
        while (state := self.job(number)["JobState"]) in ("PENDING", "RUNNING", "COMPLETING"):
            assert time.monotonic() < until, f"job {number} is {state}: {self.output(number)}"
            time.sleep(0.5)
        return state

    def output(self, number: str) -> str:
        """Return what a job has printed."""
        path = self.folder / f"slurm-{number}.out"
        return path.read_text() if path.exists() else ""

    def processes(self, node: str) -> list[str]:
        """Return the command lines of a node's processes, less Slurm's own."""
        lines = self._each(node, lambda process: " ".join(process.cmdline()) or process.name())
        return [line for line in lines if not line.startswith(("slurmd", "slurmstepd"))]

    def signal(self, beginning: str, number: int) -> None:
        """Send a signal to all nodes' processes whose command lines begin so."""

        def send(process: psutil.Process) -> None:
            if " ".join(process.cmdline()).startswith(beginning):
                process.send_signal(number)

        for node in self.nodes:
            self._each(node, send)

    def environments(self, node: str) -> list[dict[str, str]]:
        """Return the environments of a node's processes."""
        return self._each(node, psutil.Process.environ)

    def listening(self, node: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
        """Return the addresses that a node's processes listen at, less Slurm's own."""
        # psutil would tell of this process's network.
        shown = subprocess.run(
            ["nsenter", f"--net=/proc/{self._first(node).pid}/ns/net", "ss", "-Hltn"],
            capture_output=True,
            text=True,
            check=True,
        )
        places = [line.split()[3].rsplit(":", 1) for line in shown.stdout.splitlines()]
        texts = [
            place.strip("[]").replace("*", "::").partition("%")[0] for place, port in places if port != SLURMD_PORT
        ]
        addresses = [ipaddress.ip_address(text) for text in texts]
        return [getattr(address, "ipv4_mapped", None) or address for address in addresses]

    def temporary(self, node: str) -> list[pathlib.Path]:
        """Return what lies in a node's own /tmp."""
        bound = {path.split("/")[2] for path in self._shared}
        return [path for path in (self.folder / node / "tmp").iterdir() if path.name not in bound]

    def _each(self, node: str, ask: Callable[[psutil.Process], Any]) -> list[Any]:
        found = []
        for process in self._first(node).children(recursive=True):
            # Some end while they are asked.
            with contextlib.suppress(psutil.NoSuchProcess):
                found.append(ask(process))
        return found

    def _first(self, name: str) -> psutil.Process:
        (process,) = psutil.Process(self._machines[name].pid).children()
        return process

    def _write(self) -> None:
        hosts = [f"{NETWORK}.{10 + number} {name}" for number, name in enumerate(self.nodes)]
        for number, name in enumerate(self.nodes):
            (self.folder / name / "spool").mkdir(parents=True)
            (self.folder / name / "tmp").mkdir()
            # As Debian has it: on itself, a machine's own name leads to loopback.
            others = [line for other, line in enumerate(hosts) if other != number]
            lines = ["127.0.0.1 localhost", f"127.0.1.1 {name}", f"{NETWORK}.1 controller", *others]
            (self.folder / name / "hosts").write_text("\n".join(lines) + "\n")
        (self.folder / "state").mkdir()
        key = self.folder / "key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(1024))
        nodes = "\n".join(
            f"NodeName={name} NodeAddr={line.split()[0]} CPUs=4 RealMemory=4000 Gres=gpu:2 State=UNKNOWN"
            for name, line in zip(self.nodes, hosts, strict=True)
        )
        (self.folder / "slurm.conf").write_text(CONF.format(network=NETWORK, folder=self.folder, nodes=nodes))
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\nName=gpu File=/dev/zero\n")

    def _machine(self, name: str, address: str, script: str) -> None:
        namespaces = ["--net", "--mount", "--uts", "--pid", "--fork", "--kill-child", "--mount-proc"]
        values = {"name": name, "address": address, "folder": str(self.folder), "own": str(self.folder / name)}
        self._machines[name] = subprocess.Popen(
            ["unshare", *namespaces, "bash", "-c", f'hostname "$name"; ip link set lo up\n{script}'],
            env={
                **os.environ,
                **values,
                "shared": " ".join(self._shared),
                "hidden": self._hidden.get(name, ""),
                "SLURM_CONF": str(self.folder / "slurm.conf"),
            },
            stdin=subprocess.DEVNULL,
        )
        until = time.monotonic() + 200
        while not psutil.Process(self._machines[name].pid).children():
            assert time.monotonic() < until, f"{name} did not start"
            time.sleep(0.05)

    def _cable(self, name: str) -> None:
        network = f"--net=/proc/{self._first('controller').pid}/ns/net"
        until = time.monotonic() + 200
        while subprocess.run(["nsenter", network, "ip", "link", "show", "bridge"], capture_output=True).returncode:
            assert time.monotonic() < until, "the controller has no network"
            time.sleep(0.05)
        peer = ["peer", "name", "eth0", "netns", str(self._first(name).pid)]
        for command in (["link", "add", name, "type", "veth", *peer], ["link", "set", name, "master", "bridge", "up"]):
            subprocess.run(["nsenter", network, "ip", *command], check=True)
