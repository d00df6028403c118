"""A web server on this machine that misbehaves as told, and a manifest of two small files it serves."""

import contextlib
import hashlib
import http.server
import json
import random
import re
import time

FILE = "000001/sub-A/sub-A_desc-train_behavior+ecephys.nwb"
OTHER = "answers.h5"
BODIES = {FILE: random.Random(1).randbytes(5_000_000), OTHER: random.Random(2).randbytes(1000)}


class Web:
    """What the server does: `faults` are used up one per request, then it behaves; `asked` records the requests."""

    def __init__(self):
        self.bodies = dict(BODIES)
        self.faults = []
        self.asked = []
        self.ranges = True
        self.etag = '"v1"'
        self.piece_pause_s = 0.0


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *args):
        return None

    def do_GET(self):
        web, name = self.server.web, self.path.lstrip("/").replace("%2B", "+")
        web.asked.append((name, dict(self.headers)))
        fault = web.faults.pop(0) if web.faults else None
        if isinstance(fault, int) or name not in web.bodies:
            self.send_error(fault or 404)
            return
        if fault == "busy":
            self.send_response(503)
            self.send_header("Retry-After", "3")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        if fault == "silent":
            time.sleep(0.6)
        with contextlib.suppress(ConnectionError):
            self.answer(web, web.bodies[name], fault)

    def answer(self, web, body, fault):
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", web.etag) == web.etag
        start = int(asked[1]) if asked and web.ranges and same else 0
        if start >= len(body):
            self.send_error(416)
            return
        if fault == "another":
            body = body + b"more"
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start + (fault == 'shifted')}-{len(body) - 1}/{len(body)}")
        self.send_header("ETag", web.etag)
        if fault != "no length":
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        # A connection that is cut ends after a part of what was announced.
        body = body[start : (start + len(body)) // 2] if fault == "cut" else body[start:]
        for i in range(0, len(body), 100_000):
            self.wfile.write(body[i : i + 100_000])
            time.sleep(web.piece_pause_s)


def pin(folder, address, **changes):
    entries = []
    for relative, body in BODIES.items():
        dandiset, path = relative.split("/", 1) if "/" in relative else ("", relative)
        entries.append(
            {
                "name": "one" if relative == FILE else "two",
                "dandiset": dandiset,
                "path": path,
                "size": len(body),
                "sha256": hashlib.sha256(body).hexdigest(),
                "addresses": [f"{address}/{relative.replace('+', '%2B')}"],
                **changes.get(relative, {}),
            }
        )
    path = folder / "manifest.json"
    path.write_text(json.dumps({"format": 1, "files": entries}))
    return str(path)


def start_a_part(place, size, body=BODIES[FILE]):
    place.target.parent.mkdir(parents=True)
    place.part.write_bytes(body[:size])


def nothing_but_the_file(place):
    return sorted(path.name for path in place.target.parent.iterdir() if not path.name.startswith("."))
