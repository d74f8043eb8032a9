#!/usr/bin/env python3
"""Titles in S3 (moto_server): published there, served, read under conditions, served on while the
store is away, and served again when it is back.
"""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

from common import (Checks, bench_title, fetch, free_port, metric, origin, scratch, server,
                    shipped_titles, table)

BUCKET, PREFIX = "titles", "vod"
VENV = pathlib.Path(os.environ.get("MOTO_VENV", "/tmp/venvmoto"))
CORS = "access-control-allow-origin"
# The server does not look at the signature, but wants to see one before it overwrites anything.
SIGNED = ("AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request, "
          "SignedHeaders=host, Signature=0")


def moto_server():
    """The program, in a virtual environment that is made if it is missing."""
    program = VENV / "bin/moto_server"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([VENV / "bin/pip", "install", "-q", "moto[s3,server]"], check=True)
    return program


def s3(port, method, key="", body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, f"/{BUCKET}/{key}".rstrip("/"), body, {"Authorization": SIGNED})
        answer = connection.getresponse()
        answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {key}: {answer.status}")


def in_order(folder):
    """Files of a title in the order in which they may appear: hash folders, then what is beside
    them, the HLS entry point last. A title without it is none."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(files, key=lambda path: (path.parent == folder, path.name == "master.m3u8", str(path)))


def publish(port, folder, name=None):
    for path in in_order(folder):
        s3(port, "PUT", f"{PREFIX}/{name or folder.name}/{path.relative_to(folder)}", path.read_bytes())


def remove(port, folder, name):
    for path in reversed(in_order(folder)):
        s3(port, "DELETE", f"{PREFIX}/{name}/{path.relative_to(folder)}")


def until(true, seconds):
    """Seconds until something is true; `None` if it does not become so."""
    start = time.monotonic()
    while time.monotonic() - start < seconds:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if true():
                return time.monotonic() - start
        time.sleep(0.1)
    return None


def listed(port):
    return [title["name"] for title in json.loads(fetch(port, "/catalogue.json")[2])["titles"]]


def same_as_from_disk(checks, port, disk, paths):
    for path in paths:
        for headers in [{}, {"Accept-Encoding": "br"}, {"Range": "bytes=10-99"}]:
            there, here = fetch(port, path, headers=headers), fetch(disk, path, headers=headers)
            names = ["etag", "last-modified", "content-type", "content-length", "content-range", "content-encoding"]
            same = there[0] == here[0] and there[2] == here[2]
            same &= all(there[1].get(n) == here[1].get(n) for n in names)
            # Only a title that says when it was published has dates.
            same &= path.startswith("/bench/") or "last-modified" in there[1]
            checks.that(same, f"S3 and disk: {path} {headers}", (there[:2], here[:2]))
    etag = fetch(port, paths[0])[1]["etag"]
    checks.that(fetch(port, paths[0], headers={"If-None-Match": etag})[0] == 304, "304 by tag")
    return len(paths) * 3


def conditional_reads(checks, port, store, bench, root):
    """A file too large to be kept whole is read in ranges, each of the version that was seen."""
    path, file = f"{bench}/s400000.mp4", root / bench[1:] / "s400000.mp4"
    whole = file.read_bytes()
    ask = lambda first: fetch(port, path, headers={"Range": f"bytes={first}-{first + 999}"})
    checks.that(ask(2_000_000)[::2] == (206, whole[2_000_000:2_001_000]), "range of a large file")
    other = hashlib.shake_256(b"other").digest(len(whole))
    s3(store, "PUT", f"{PREFIX}{path}", other)
    first = ask(1_500_000)  # No block of it was read before: what is cached of a version stays valid.
    checks.that(first[0] == 503, "a replaced file is noticed by If-Match", first[0])
    again = ask(1_500_000)
    checks.that(again[::2] == (206, other[1_500_000:1_501_000]), "then its new bytes are served", again[0])
    s3(store, "PUT", f"{PREFIX}{path}", whole)


def while_away(checks, port, known, unknown, tag):
    """What is asked for without a store. Seconds that the answers took."""
    time.sleep(1.5)  # The manifest is not fresh any more.
    took = []
    for path, expected in known:
        start = time.monotonic()
        status, fields, body = fetch(port, path)
        took.append(time.monotonic() - start)
        checks.that((status, body) == (200, expected) and fields.get(CORS) == "*", f"{tag}: {path} is served", status)
    status, fields, _ = fetch(port, unknown, timeout=40)
    right = status in (503, 504) and fields.get(CORS) == "*" and "max-age=1" in fields.get("cache-control", "")
    checks.that(right, f"{tag}: what was never read is 503 or 504 for a second, with CORS", (status, fields))
    checks.that(fetch(port, "/readyz", timeout=40)[0] == 503, f"{tag}: not ready")
    checks.that(fetch(port, "/healthz")[0] == 200, f"{tag}: alive")
    return max(took)


def main():
    checks, rows, program = Checks(), [], moto_server()
    with scratch() as folder, contextlib.ExitStack() as running:
        root = folder / "titles"
        shipped_titles(root)
        bench = bench_title(root, [9_000, 400_000], segments=8)
        edition = next(path.name for path in (root / "demo").iterdir() if path.is_dir())
        demo = f"/demo/{edition}/mini-r16"
        store = free_port()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        start = lambda: server([program, "-H", "127.0.0.1", "-p", str(store)], store, **quiet)

        def fill():
            s3(store, "PUT")
            publish(store, root / "demo")
            publish(store, root / "bench")

        moto_running = contextlib.ExitStack()
        running.push(moto_running)
        moto = moto_running.enter_context(start())
        fill()
        settings = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1",
                    "AWS_ENDPOINT": f"http://127.0.0.1:{store}", "AWS_ALLOW_HTTP": "true"}
        config = "store_timeout_s = 2\n"
        port, _ = running.enter_context(origin(f"s3://{BUCKET}/{PREFIX}", folder, config, env=settings))
        disk, _ = running.enter_context(origin(root, folder))

        manifests = ["/demo/master.m3u8", "/demo/manifest.mpd", "/demo/segments/master.m3u8", "/demo/segments/manifest.mpd"]
        paths = [*manifests, f"{demo}/1.m4s", f"{demo}/init.mp4", f"{demo}.mp4", f"{demo}.m3u8", "/demo/poster.jpg",
                 f"{demo}/iframes.m3u8", f"{bench}/s400000/3.m4s"]
        count = same_as_from_disk(checks, port, disk, paths)
        rows.append(["answers from S3 as from a folder", count])
        conditional_reads(checks, port, store, bench, root)

        publish(store, root / "demo", "late")
        appeared = until(lambda: "late" in listed(port) and fetch(port, "/late/segments/manifest.mpd")[0] == 200, 20)
        checks.that(appeared is not None and appeared < 5, "a title appears within seconds", appeared)
        remove(store, root / "demo", "late")
        gone = until(lambda: "late" not in listed(port) and fetch(port, "/late/master.m3u8")[0] == 404, 20)
        checks.that(gone is not None and gone < 5, "a deleted title disappears within seconds", gone)
        rows += [["seconds until a new title plays", f"{appeared:.1f}"], ["seconds until a deleted one is gone", f"{gone:.1f}"]]

        known = [(path, fetch(port, path)[2]) for path in [*manifests, f"{demo}/1.m4s"]]
        fetch(port, f"{bench}/s9000/1.m4s")
        moto.send_signal(signal.SIGSTOP)
        slowest = while_away(checks, port, known, f"{demo}/2.m4s?hang".replace("mini-r16", "mini-r4"), "store hangs")
        moto.send_signal(signal.SIGCONT)
        rows.append(["slowest answer while the store hangs, s", f"{slowest:.1f}"])
        back = until(lambda: fetch(port, "/readyz")[0] == 200, 20)
        checks.that(back is not None, "ready after the store hung")

        moto_running.close()
        slowest = while_away(checks, port, known, f"{demo}/2.m4s".replace("mini-r16", "mini-r7"), "store is down")
        stale = metric(port, "promptus_stale_served_total")
        checks.that(stale > 0, "stale answers are counted", stale)
        rows += [["slowest answer while the store is down, s", f"{slowest:.1f}"], ["stale answers, counted", int(stale)]]

        moto_running.enter_context(start())
        fill()
        back = until(lambda: fetch(port, "/readyz")[0] == 200, 20)
        checks.that(back is not None and back < 5, "ready again when the store is back", back)
        other = f"{demo}/2.m4s".replace("mini-r16", "mini-r7")
        right = until(lambda: fetch(port, other)[2] == fetch(disk, other)[2], 10)
        checks.that(right is not None, "and what was not known is read")
        rows.append(["seconds until ready after the store is back", f"{back:.1f}"])
    table(["titles in S3", ""], rows)
    return checks.report("s3")


if __name__ == "__main__":
    sys.exit(main())
