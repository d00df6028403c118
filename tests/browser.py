"""A browser without a window, spoken to over two pipes: pages are opened, clicked and asked."""

import base64
import contextlib
import json
import os
import shutil
import subprocess

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--remote-debugging-pipe")


class Page:
    """A page of a browser that listens on file descriptor 3 and answers on 4 (Chrome's DevTools protocol)."""

    def __init__(self, ask, answers):
        self._ask, self._answers, self._last, self._session = ask, answers, 0, None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method, **params):
        """Send a command, and return what it answers."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": params}
        message |= {} if self._session is None else {"sessionId": self._session}
        self._ask.write(json.dumps(message).encode() + b"\0")
        self._ask.flush()
        found = self._until(lambda one: one.get("id") == self._last)
        if "error" in found:
            raise RuntimeError(f"{method}: {found['error']}")
        return found["result"]

    def open(self, address, width=1280, height=900, *, dark=False):
        """Open an address in a window of so many pixels, and wait until all of it is loaded."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=address)
        self._until(lambda one: one.get("method") == "Page.loadEventFired")

    def value(self, script):
        """Return what an expression of JavaScript is worth on the page."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"])
        return found["result"].get("value")

    def click(self, script, *, shift=False):
        """Click with the mouse where the element that an expression gives is."""
        self.value(f"({script}).scrollIntoView({{block: 'center'}})")
        box = self.value(
            f"(box => [box.x + box.width / 2, box.y + box.height / 2])(({script}).getBoundingClientRect())"
        )
        for kind in ("mousePressed", "mouseReleased"):
            at = dict(zip("xy", box, strict=True)) | {"button": "left", "clickCount": 1, "modifiers": 8 if shift else 0}
            self.call("Input.dispatchMouseEvent", type=kind, **at)

    def picture(self, path, *, whole=True):
        """Write a PNG of the page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))

    def _until(self, wanted):
        while True:
            text = b""
            while (byte := self._answers.read(1)) != b"\0":
                if not byte:
                    raise EOFError("the browser has ended")
                text += byte
            if wanted(found := json.loads(text)):
                return found


@contextlib.contextmanager
def browser(folder):
    """Give a page of a browser within the block; what the browser keeps lies in a folder of its own."""
    theirs, asks = os.pipe()
    answers, ours = os.pipe()

    def wire():
        # Whichever numbers the pipes have: neither may be overwritten by the other's.
        first, second = os.dup(theirs), os.dup(ours)
        os.dup2(first, 3)
        os.dup2(second, 4)

    command = [CHROMIUM, *OPTIONS, f"--user-data-dir={folder}"]
    with open(os.devnull, "wb") as nothing:
        process = subprocess.Popen(command, preexec_fn=wire, close_fds=False, stdout=nothing, stderr=nothing)
    os.close(theirs)
    os.close(ours)
    try:
        with os.fdopen(asks, "wb") as ask, os.fdopen(answers, "rb", buffering=65536) as read:
            yield Page(ask, read)
    finally:
        process.kill()
        process.wait()
