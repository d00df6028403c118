"""A store of objects on 127.0.0.1 for tests (moto's S3), and the faults of a real one, made at the server's door."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time
from collections import Counter

KEY, SECRET = "AKIARAYSPTESTONLY", "raysp/test/secret+that/must+not/appear"


class Door:
    """WSGI around moto: passes requests on, or fails every n-th of them in a way of its own.

    Attributes:
        every: fail one request in so many; 0 for none.
        kinds: what goes wrong, in turn: "500", "503", "slow", "lost" (done, but the answer never comes).
        only: which requests may fail, told from their WSGI environment.
        refused: buckets that answer 403.
        ignores: headers that this store does not understand, as some do not know conditions.
    """

    def __init__(self, app) -> None:
        self._app, self._lock, self._count = app, threading.Lock(), itertools.count(1)
        self.every, self.kinds, self.refused, self.ignores = 0, ("500", "503", "slow", "lost"), set(), set()
        self.only = lambda environ: True
        self.failed, self.seen = Counter(), Counter()

    def __call__(self, environ, start_response):
        path, method = environ["PATH_INFO"], environ["REQUEST_METHOD"]
        for name in self.ignores:
            environ.pop(name, None)
        with self._lock:
            self.seen[(method, path)] += 1
            fault = self._fault(environ)
            self.failed[fault] += fault is not None
        if path.strip("/").partition("/")[0] in self.refused:
            return _error(environ, start_response, "403 Forbidden", "AccessDenied")
        if fault in ("500", "503"):
            code = {"500": "InternalError", "503": "SlowDown"}[fault]
            return _error(environ, start_response, f"{fault} {code}", code)
        if fault == "slow":
            time.sleep(0.5)
        if fault == "lost":
            list(self._app(environ, lambda *args: None))
            with contextlib.suppress(OSError):
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
            start_response("200 OK", [])
            return []
        return self._app(environ, start_response)

    def _fault(self, environ):
        if not self.every or not self.only(environ):
            return None
        turn = next(self._count)
        return self.kinds[turn // self.every % len(self.kinds)] if turn % self.every == 0 else None

    def calm(self):
        """Fail no more, and understand everything."""
        self.__init__(self._app)


def _error(environ, start_response, status, code):
    from werkzeug.wsgi import get_input_stream

    get_input_stream(environ).read()
    text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code} by test</Message></Error>".encode()
    start_response(status, [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [text]


@contextlib.contextmanager
def store():
    """Give (door, address, environment) of a store that listens on 127.0.0.1 for the block."""
    import logging

    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import make_server

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    door = Door(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, door, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    environment = {
        "AWS_ENDPOINT_URL_S3": address,
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    try:
        yield door, address, environment
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fill(addresses):
    """Put an object of one byte at each address, past the door: for thousands of them."""
    from moto.core import DEFAULT_ACCOUNT_ID
    from moto.s3.models import s3_backends

    for address in addresses:
        bucket, _, name = address.removeprefix("s3://").partition("/")
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, name, b"x")


def make_bucket(name):
    """Make a bucket in the store that this process's environment names."""
    import fsspec

    fsspec.filesystem("s3").call_s3("create_bucket", Bucket=name)


@contextlib.contextmanager
def store_with_data(folder, bucket, **more):
    """Give (data on disk, door) for the block; a bucket holds the prepared split alone, this process knows the store.

    Args:
        folder: where the recording, and what raysp caches, lie on the disk.
        bucket: its name; the data are below s3://BUCKET/data.
        more: further variables of the environment.
    """
    import pytest
    import s3fs

    from raysp.data.splits import store as split_file
    from raysp.data.standin.nlb import write_standin
    from raysp.io import files
    from tests.data.nlb_files import prepared

    root = str(folder / "data")
    write_standin(root, datasets=("mc_maze_small",))
    (name,) = prepared(root, "mc_maze_small-20ms-val")
    with store() as (door, _, environment), pytest.MonkeyPatch.context() as patch:
        for key, value in {
            **environment,
            "XDG_CACHE_HOME": str(folder / "cache"),
            "RAYSP_LEASE_S": "6",
            **more,
        }.items():
            patch.setenv(key, value)
        s3fs.S3FileSystem.clear_instance_cache()
        make_bucket(bucket)
        for path in (split_file.split_path, split_file.answers_path):
            files.copy(path(root, name), path(f"s3://{bucket}/data", name))
        yield root, door
        s3fs.S3FileSystem.clear_instance_cache()


def verb(*arguments):
    """Run a verb of raysp in a process of its own; return its exit status and all that it printed."""
    done = subprocess.run([sys.executable, "-m", "raysp", *arguments], capture_output=True, text=True, timeout=6000)
    return done.returncode, done.stdout + done.stderr


def every_file(address):
    """Return name -> content of every object below an address."""
    import fsspec

    fs = fsspec.filesystem("s3")
    return {name: fs.cat_file(name) for name in fs.find(address)}


def logs_of_ray(driver):
    """Return name -> content of the logs of the Ray that a process of this machine started."""
    folders = pathlib.Path("/tmp/ray").glob(f"session_2*_{driver}/logs")
    return {str(path): path.read_bytes() for folder in folders for path in folder.rglob("*") if path.is_file()}


def with_any(contents, secrets):
    """Return the names of the contents in which one of the secrets stands."""
    return [name for name, content in contents.items() if any(secret.encode() in content for secret in secrets)]
