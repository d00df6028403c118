"""Google's store on 127.0.0.1 for tests: gcp-storage-emulator, and the one condition on writes that it lacks."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
import threading
import uuid
from urllib.parse import parse_qs, urlsplit

import pytest

ENVIRONMENT = {
    # Whether a bucket is a zonal one is asked by gRPC, which the emulator does not speak.
    "GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false",
    "FSSPEC_GS": '{"token": "anon"}',
}


class Conditions:
    """Answers 412 where an object may only be made and is there already, as Google's store does."""

    refused = 0

    def do_POST(self):
        if parse_qs(urlsplit(self.path).query).get("ifGenerationMatch") == ["0"]:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.rfile = io.BytesIO(body)
            bucket = re.search(r"/b/([^/]+)/o", self.path)[1]
            name = json.loads(re.search(rb"\{.*?\}(?=\n--)", body, re.DOTALL)[0])["name"]
            with contextlib.suppress(self.absent):
                self.storage.get_file_obj(bucket, name)
                type(self).refused += 1
                self.send_error(412)
                return
        super().do_POST()


@contextlib.contextmanager
def store():
    """Give a function that makes a bucket and returns its address, in a store that this process's environment names.

    The function's attribute `handler` counts the refused writes.
    """
    server = pytest.importorskip("gcp_storage_emulator.server", reason="gcp-storage-emulator is not installed")
    from gcp_storage_emulator.exceptions import NotFound
    from gcp_storage_emulator.handlers import buckets

    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)

    class Handler(Conditions, server.RequestHandler):
        absent = NotFound

        def __init__(self, storage, *args):
            self.storage = storage
            super().__init__(storage, *args)

    with pytest.MonkeyPatch.context() as patch:
        for key, value in ENVIRONMENT.items():
            patch.setenv(key, value)
        gcsfs = pytest.importorskip("gcsfs", reason="gcsfs is not installed: pip install 'raysp[gs]'")
        patch.setattr(server, "RequestHandler", Handler)
        patch.setattr(server.server.HTTPServer, "handle_error", lambda self, *args: None)
        own = server.create_server("127.0.0.1", 0, in_memory=True)
        own.start()
        patch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{own._api._httpd.server_address[1]}")
        gcsfs.GCSFileSystem.clear_instance_cache()

        def make_bucket():
            name = f"raysp-{uuid.uuid4().hex[:8]}"
            buckets.create_bucket(name, own._storage)
            return f"gs://{name}"

        make_bucket.handler = Handler
        try:
            yield make_bucket
        finally:
            gcsfs.GCSFileSystem.clear_instance_cache()
            own._api._httpd.shutdown()
            own._api._httpd.server_close()
            threading.Thread.join(own._api)
