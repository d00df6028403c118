"""Hosts of a test's own on this machine: namespaces with their own processes, network, home and SSH server.

What Ray starts in one, `ray stop` included, sees nothing of this machine's other Ray processes, nor they of it.
"""

from __future__ import annotations

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

REPOSITORY = pathlib.Path(__file__).parent.parent.parent
Done = subprocess.CompletedProcess
NEEDED = ("setpriv", "unshare", "nsenter", "ip", "sshd", "ssh", "ssh-keygen", "rsync")
SSHD_CONFIG = """
Port 22
ListenAddress {address}
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/authorized_keys
PidFile {folder}/sshd.pid
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin prohibit-password
"""
# Beside the network and the processes, each host has its own home, /tmp (where a node finds its cluster), /run and
# shared memory. The one user's home is what the password file says, so that ssh, rsync and a shell agree on it.
SETUP = """
set -e
mount --make-rprivate /
ip link set lo up
sed 's#^root:[^:]*:0:0:[^:]*:.*#root:x:0:0:root:{folder}/home:/bin/bash#' /etc/passwd > {folder}/passwd
mount --bind {folder}/passwd /etc/passwd
mount -t tmpfs none /run
mkdir -p /run/sshd
i=0; for shared in {shared}; do i=$((i + 1)); mkdir /run/$i; mount --bind $shared /run/$i; done
mount -t tmpfs none /tmp
chmod 1777 /tmp
i=0; for shared in {shared}; do i=$((i + 1)); mkdir -p $shared; mount --bind /run/$i $shared; done
mount -t tmpfs -o size=8g none /dev/shm
touch {folder}/ready
# The first process of its own: it takes in those whose parents ended.
sleep infinity & while true; do wait; done
"""


def why_not() -> str | None:
    """Return why hosts of one's own cannot be made here, None where they can."""
    path = os.environ.get("PATH", "") + os.pathsep + "/usr/sbin"
    missing = [name for name in NEEDED if shutil.which(name, path=path) is None]
    if missing:
        return f"needs {', '.join(missing)} (Debian: openssh-server, openssh-client, rsync, util-linux, iproute2)"
    if os.geteuid() != 0:
        return "needs root, to make namespaces with their own processes and network"
    tried = subprocess.run(["unshare", "--net", "--pid", "--mount", "--fork", "true"], capture_output=True, check=False)
    return None if tried.returncode == 0 else f"this machine allows no namespaces: {tried.stderr.decode().strip()}"


class OwnHost:
    """A host with its own processes, network and home; all its processes end with `close`.

    Args:
        folder: its files: home/ and the SSH server's.
        shared: folders that it sees as this machine does, wherever they lie.
    """

    def __init__(self, folder: pathlib.Path, *shared: pathlib.Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir(parents=True)
        seen = " ".join(map(str, (folder, *shared)))
        # Also when the tests are killed, nothing of the host stays.
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--pid", "--mount", "--fork", "--kill-child"]
        self._outer = subprocess.Popen(
            [*command, "--mount-proc", "bash", "-c", SETUP.format(folder=folder, shared=seen)], start_new_session=True
        )
        until = time.monotonic() + 200
        while not (folder / "ready").exists():
            assert self._outer.poll() is None, "the namespaces could not be set up"
            assert time.monotonic() < until
            time.sleep(0.05)
        children = pathlib.Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children").read_text().split()
        self.pid = int(children[0])

    def command(self, *words: str, **settings: str) -> list[str]:
        """Return the words as a command that runs inside with nothing but these settings in its environment."""
        inside = ["nsenter", "--target", str(self.pid), "--net", "--pid", "--mount", f"--wd={REPOSITORY}"]
        path = f"{pathlib.Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
        settings = {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8", "TERM": "dumb", **settings}
        return [*inside, "env", "-i", *(f"{name}={value}" for name, value in settings.items()), *words]

    def run(self, *words: str, timeout: float = 1500, check: bool = True, **settings: str) -> Done:
        """Run a command inside and return its status and what it printed, errors among it."""
        command = self.command(*words, **settings)
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=-1, stderr=-2, text=True, timeout=timeout, check=False
        )
        assert not check or done.returncode == 0, f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}"
        return done

    def start_sshd(self, address: str, public_key: str) -> None:
        """Let an SSH server listen on one address of this host, for the owner of one key alone."""
        self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / "host_key"))
        (self.folder / "authorized_keys").write_text(public_key)
        (self.folder / "sshd_config").write_text(SSHD_CONFIG.format(address=address, folder=self.folder))
        # Absolute paths: sshd starts itself again for each connection, from elsewhere.
        self.run("/usr/sbin/sshd", "-f", str(self.folder / "sshd_config"), "-E", str(self.folder / "sshd.log"))

    def listening(self) -> set[tuple[str, str]]:
        """Return the (address, port) pairs that processes of this host listen on."""
        found = (line.split()[3].rpartition(":") for line in self.run("ss", "-Hltn").stdout.splitlines())
        return {(address.strip("[]").removeprefix("::ffff:"), port) for address, _, port in found}

    def close(self) -> None:
        """End every process of this host: its first one takes all others along."""
        os.kill(self.pid, signal.SIGKILL)
        self._outer.wait(20)
