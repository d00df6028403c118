"""What a person sees of MLflow's pages, in a browser without a window."""

import contextlib
import html
import re
import shutil
import socket
import subprocess
import threading
import urllib.error
import urllib.request

import pytest

from raysp.driver.tracking import catch_up
from raysp.driver.tracking_server import serve
from tests.driver.tracked import TRIALS

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium (Debian: apt-get install chromium)"),
]


@contextlib.contextmanager
def served(run):
    """Serve a run's pages within the block: gives their address."""
    store = catch_up(run)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    up, enough = threading.Event(), threading.Event()

    def ready():
        up.set()
        enough.wait()
        raise KeyboardInterrupt

    def work():
        with contextlib.suppress(KeyboardInterrupt):
            serve(store.uri, store.opened(), "127.0.0.1", port, ready)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        assert up.wait(600)
        yield f"http://127.0.0.1:{port}"
    finally:
        enough.set()
        thread.join()


def seen(address, folder):
    """Return the document of a page once its scripts have drawn it."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder}", "--window-size=1800,1000"]
    command = [CHROMIUM, *options, "--virtual-time-budget=60000", "--dump-dom", address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=900).stdout


def answer(address):
    """Return the status of a request."""
    try:
        with urllib.request.urlopen(address, timeout=300) as found:
            return found.status
    except urllib.error.HTTPError as error:
        return error.code


def words(document):
    return html.unescape(re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]+>", " ", document, flags=re.S))


def test_the_first_page_is_the_comparison_of_the_trials(stored, tmp_path):
    with served(stored) as address:
        page = seen(f"{address}/", tmp_path / "browser")
        status = answer(f"{address}/ajax-api/3.0/mlflow/assistant/config")
    shown = words(page)
    for trial in TRIALS:
        assert f"sae {trial.split} s{trial.seed}" in shown
    assert f"{len(TRIALS)} matching runs" in " ".join(shown.split())
    headings = set(re.findall(r'col-id="(?:metrics|params)\.`([^`]+)`"', page))
    assert headings == {"validation/co-bps", "validation/validation_loss"}
    # Trials of a model differ in nothing but what their names say.
    assert "hidden" not in headings
    # The assistant is neither open nor to be seen, and answers nobody.
    assert "Welcome to MLflow Assistant" not in shown
    assert '[data-assistant-ui="true"]' in page.partition("display: none !important")[0]
    assert status == 404
