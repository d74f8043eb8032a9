#!/usr/bin/env python3
"""The origin behind nginx (proxy_cache_lock; slice) and Varnish: is every answer the same through
the cache, missed and hit, and do 200 simultaneous misses cost one request upstream?
"""

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time

from common import (Checks, bench_title, fetch, free_port, log_lines, nginx, origin, scratch, server,
                    shipped_titles, table)

# What must be the same. Date, Age, Via, Server, x-request-id and x-varnish may differ.
FIELDS = ["content-type", "content-length", "content-range", "content-encoding", "etag", "last-modified",
          "cache-control", "vary", "link", "cmsd-static", "location", "access-control-allow-origin",
          "access-control-expose-headers", "access-control-allow-methods", "access-control-max-age",
          "timing-allow-origin"]
CORS = [name for name in FIELDS if name.startswith(("access-control", "timing"))]
CLIENTS = 200


def nginx_http(folder, upstream, port):
    return f"""
access_log off; keepalive_timeout 75;
proxy_cache_path {folder}/cache keys_zone=titles:10m max_size=1g inactive=1d use_temp_path=off;
upstream origin {{ server 127.0.0.1:{upstream}; keepalive 32; }}
server {{
  listen 127.0.0.1:{port};
  proxy_http_version 1.1; proxy_set_header Connection "";
  proxy_cache titles; proxy_cache_lock on; proxy_cache_lock_timeout 30s;
  proxy_cache_revalidate on; proxy_cache_background_update on;
  proxy_cache_use_stale updating error timeout http_500 http_502 http_503 http_504;
  location / {{ proxy_pass http://origin; proxy_cache_key $uri$is_args$args; }}
  # Whole rungs are read in ranges: a cache need not fetch all of one for its first byte.
  location ~ "^/[^/]+/[0-9a-f]+/[^/]+[.]mp4$" {{
    slice 256k; proxy_set_header Range $slice_range; proxy_set_header Accept-Encoding "";
    proxy_cache_key $uri$slice_range; proxy_cache_valid 200 206 1d;
    proxy_pass http://origin;
  }}
}}
"""


@contextlib.contextmanager
def varnish(folder, upstream):
    """Varnish as it comes, but that it leaves content codings to the origin, which has better ones."""
    port, folder = free_port(), folder / "varnish"
    folder.mkdir()
    vcl = folder / "origin.vcl"
    vcl.write_text(f'vcl 4.1;\nbackend origin {{ .host = "127.0.0.1"; .port = "{upstream}"; }}\n')
    command = ["varnishd", "-F", "-a", f"127.0.0.1:{port}", "-f", vcl, "-n", folder / "work",
               "-s", "malloc,64m", "-p", "http_gzip_support=off"]
    if os.geteuid() == 0:
        command += ["-j", "none"]
    with server(command, port, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL):
        yield port


class Slow:
    """A way to the origin that takes a while, so that those who ask meanwhile do not find a copy."""

    def __init__(self, upstream, delay):
        self.upstream, self.delay = upstream, delay
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            there = socket.create_connection(("127.0.0.1", self.upstream))
            threading.Thread(target=self.pump, args=(client, there, 0), daemon=True).start()
            threading.Thread(target=self.pump, args=(there, client, self.delay), daemon=True).start()

    @staticmethod
    def pump(source, sink, delay):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                time.sleep(delay)
                delay = 0
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)


def requests(path, fields):
    """Every kind of request for a thing whose plain answer has these fields."""
    etag, modified = fields["etag"], fields.get("last-modified")
    yield "GET", {}
    yield "HEAD", {}
    yield "GET", {"If-None-Match": etag}
    yield "GET", {"If-None-Match": f"W/{etag}"}
    yield "GET", {"If-None-Match": '"other"'}
    if modified:
        yield "GET", {"If-Modified-Since": modified}
        yield "GET", {"If-Modified-Since": "Sun, 06 Nov 1994 08:49:37 GMT"}
    for wanted in ["bytes=0-99", "bytes=100-", "bytes=-50", "bytes=999999999-"]:
        yield "GET", {"Range": wanted}
    yield "GET", {"Range": "bytes=10-19", "If-Range": etag}
    yield "GET", {"Range": "bytes=10-19", "If-Range": '"other"'}
    if fields.get("vary"):
        for coding in ["gzip", "br", "zstd", "identity", "gzip, br, zstd", "gzip;q=0"]:
            yield "GET", {"Accept-Encoding": coding}
            yield "HEAD", {"Accept-Encoding": coding}


def differences(direct, cached):
    """Names of what differs between two answers."""
    (status, fields, body), (status2, fields2, body2) = direct, cached
    if status != status2:
        return [f"status {status} {status2}"]
    if status == 416:  # The text is the cache's own.
        return [n for n in [*CORS, "content-range"] if fields.get(n) != fields2.get(n)]
    # A 304 may or may not repeat what describes the content (RFC 9110, 15.4.5).
    names = [n for n in FIELDS if not (status == 304 and n in ("content-length", "content-type"))]
    found = [f"{n}: {fields.get(n)!r} {fields2.get(n)!r}" for n in names if fields.get(n) != fields2.get(n)]
    return found + ["body"] * (body != body2)


def same_answers(checks, name, direct, cache, paths):
    """Asks for everything directly and twice through the cache."""
    count = 0
    for path in paths:
        status, fields, _ = fetch(direct, path)
        plain = [("GET", {}), ("HEAD", {}), ("GET", {"Origin": "https://player.example"})]
        if status == 308:  # A HEAD may leave out the length of nothing (RFC 9110, 9.3.2).
            plain.remove(("HEAD", {}))
        for method, headers in requests(path, fields) if status == 200 else plain:
            expected = fetch(direct, path, method, headers)
            for time_ in ["missed", "hit"]:
                found = differences(expected, fetch(cache, path, method, headers))
                checks.that(not found, f"{name} {time_}: {method} {path} {headers}", found)
                count += 1
    preflight = {"Origin": "https://player.example", "Access-Control-Request-Method": "GET",
                 "Access-Control-Request-Headers": "range"}
    found = differences(fetch(direct, paths[0], "OPTIONS", preflight), fetch(cache, paths[0], "OPTIONS", preflight))
    checks.that(not found, f"{name}: preflight", found)
    return count + 1


def at_once(port, path):
    """The same request by many clients at one moment: their answers."""
    barrier, answers = threading.Barrier(CLIENTS), []

    def client():
        with contextlib.suppress(Exception):
            barrier.wait(30)
            answers.append(fetch(port, path, timeout=60))

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    return answers


def upstream_requests(log, path, before):
    time.sleep(1.2)  # The log is flushed twice a second.
    return sum(line["path"] == path for line in log_lines(log)[before:])


def collapsed(checks, name, direct, cache, log, paths):
    """Many simultaneous misses of every path: rows of what went upstream."""
    rows = []
    for what, path, expected in paths:
        body = fetch(direct, path)[2]
        time.sleep(1.2)
        before = len(log_lines(log))
        answers = at_once(cache, path)
        right = sum(status == 200 and found == body for status, _, found in answers)
        asked = upstream_requests(log, path, before)
        checks.that(right == CLIENTS, f"{name}: all clients get {path}", right)
        checks.that(asked == expected, f"{name}: {path} upstream {expected} times", asked)
        rows.append([name, what, f"{right}/{CLIENTS}", asked, expected])
    return rows


def main():
    checks, rows, counts = Checks(), [], []
    with scratch() as folder:
        root, log = folder / "titles", folder / "access.log"
        shipped_titles(root)
        bench = bench_title(root, [9_000, 400_000], segments=8)
        edition = next(path.name for path in (root / "demo").iterdir() if path.is_dir())
        demo = f"/demo/{edition}/mini-r16"
        paths = [f"{demo}/1.m4s", f"{demo}/init.mp4", f"{demo}.mp4", f"{demo}.m3u8", f"{demo}/media.m3u8",
                 f"{demo}/iframes.m3u8", "/demo/master.m3u8", "/demo/manifest.mpd", "/demo/quality.json",
                 "/demo/segments/master.m3u8", "/demo/segments/manifest.mpd", "/demo/poster.jpg",
                 "/demo/segments/manifest.mpd?max_rank=5", "/demo/segments/manifest.mpd?profile=mini&max_rank=5",
                 f"{bench}/s400000.mp4", "/demo/none.m3u8", "/none/master.m3u8"]
        with contextlib.ExitStack() as running:
            direct, _ = running.enter_context(origin(root, folder, f'access_log = "{log}"\n'))
            fetch(direct, "/demo/master.m3u8")
            slow = Slow(direct, 0.4)
            front = {}
            for name, upstream in [("nginx", direct), ("nginx, slow", slow.port)]:
                front[name] = free_port()
                at = folder / name.replace(", ", "-")
                running.enter_context(nginx(at, nginx_http(at, upstream, front[name]), front[name]))
            front["Varnish"] = running.enter_context(varnish(folder, direct))
            (folder / "slow").mkdir()
            front["Varnish, slow"] = running.enter_context(varnish(folder / "slow", slow.port))
            for name in ["nginx", "Varnish"]:
                count = same_answers(checks, name, direct, front[name], paths)
                counts.append([name, count])
                once = [("segment", f"{bench}/s9000/3.m4s", 1), ("segment of 400 kB", f"{bench}/s400000/5.m4s", 1),
                        ("manifest", "/demo/segments/manifest.mpd?max_rank=9", 1)]
                if name == "nginx":
                    # 3,200,700 bytes in slices of 256 KiB.
                    once.append(("3.2 MB in slices", f"{bench}/s400000.mp4", 13))
                rows += collapsed(checks, name, direct, front[f"{name}, slow"], log, once)
    table(["cache", "answers compared with the origin's own"], counts)
    print()
    table(["cache", f"{CLIENTS} simultaneous misses of a", "right answers", "requests upstream", "expected"], rows)
    return checks.report("caches")


if __name__ == "__main__":
    sys.exit(main())
