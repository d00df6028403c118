import http.server
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from raysp.data.fetch import manifest, transfer
from tests.data.local_web import FILE, Handler, Web, pin


@pytest.fixture
def web():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.web = Web()
        server.web.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server.web
        server.shutdown()
        thread.join()


@pytest.fixture
def place(tmp_path, web, monkeypatch):
    """A data root with a manifest of two small files; retries do not pause."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(manifest, "PATH", pin(tmp_path, web.address))
    monkeypatch.setattr(transfer, "BACK_OFF_S", (0.0, 0.0, 0.0))
    root = tmp_path / "data"
    target = root / FILE
    return SimpleNamespace(root=root, target=target, part=Path(f"{target}.part"), tmp=tmp_path)
