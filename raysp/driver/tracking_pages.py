"""MLflow's pages as an application for one run: they open on its trials, report to nobody and offer no assistant.

Run in a process of its own, `uvicorn raysp.driver.tracking_pages:app`, with the store's address and what the first
page shows in the environment (`STORE`, `OPENED`).
"""

from __future__ import annotations

import json
import os
import pathlib
from collections.abc import Awaitable, Callable, MutableMapping

import mlflow.server
from mlflow.server.constants import BACKEND_STORE_URI_ENV_VAR

from raysp.driver.tracking_server import OPENED, STORE

os.environ[BACKEND_STORE_URI_ENV_VAR] = os.environ[STORE]
from mlflow.server.fastapi_app import app as pages

Scope = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]

ASSISTANT = "/mlflow/assistant"

OPENING = """<style>{hidden} {{ display: none !important; }}</style>
<script>
localStorage.setItem("mlflow.assistant.fab.autoOpenedOnFirstLoad_v1", "true");
localStorage.setItem("mlflow.assistant.panelOpen_v1", "false");
if (["", "#/"].includes(location.hash)) location.replace({place}.slice(1));
</script>
"""
BANNER = "mlflow.experiment_page.shared_view.banner"
HIDDEN = f'html body [data-assistant-ui="true"], html body [role="alert"][data-component-id="{BANNER}"]'
"""What offers the assistant; and the word that columns which somebody changes are not kept for the others."""


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a request as MLflow does, but for its first page and its assistant."""
    path = str(scope.get("path", ""))
    if scope["type"] == "http" and ASSISTANT in path:
        await _answer(send, 404, b"{}", b"application/json")
    elif scope["type"] == "http" and path == "/" and scope["method"] == "GET":
        await _answer(send, 200, first_page(os.environ[OPENED]).encode(), b"text/html; charset=utf-8")
    else:
        await pages(scope, receive, send)


def first_page(place: str) -> str:
    """Return MLflow's page, which opens on a place of its own where none is asked for.

    Args:
        place: from "/" on.
    """
    static = pathlib.Path(mlflow.server.__file__).parent / mlflow.server.REL_STATIC_DIR / "index.html"
    head, mark, rest = static.read_text(encoding="utf-8").partition("<head>")
    return head + mark + OPENING.format(hidden=HIDDEN, place=json.dumps(place)) + rest


async def _answer(send: Send, status: int, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode()), (b"cache-control", b"no-cache")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
