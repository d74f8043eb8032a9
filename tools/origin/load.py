#!/usr/bin/env python3
"""How the origin bears load: thousands of idle connections, a start with a thousand titles, and
memory over millions of requests.
"""

import argparse
import contextlib
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time

from common import (PROMPTUS, SHIPPED, Checks, bench_title, fetch, free_port, origin, rss_kb, scratch,
                    shipped_titles, stop, table)

IDLE, TITLES, STARTS = 5_000, 1_000, 5


def many_titles(root):
    """Copies of the shipped title that share their files."""
    first = root / "title-0000"
    shutil.copytree(SHIPPED / "demo", first)
    for number in range(1, TITLES):
        link_title(first, root / f"title-{number:04}")


def link_title(source, target):
    for path in source.rglob("*"):
        if path.is_file():
            to = target / path.relative_to(source)
            to.parent.mkdir(parents=True, exist_ok=True)
            os.link(path, to)


def started(root, folder):
    """Milliseconds from the start of the process until it says that it is ready."""
    port = free_port()
    config = folder / "empty.toml"
    config.write_text("")
    begun = time.perf_counter()
    process = subprocess.Popen([PROMPTUS, "serve", root, "--listen", f"127.0.0.1:{port}", "--config", config],
                               stderr=subprocess.DEVNULL)
    try:
        while time.perf_counter() - begun < 60:
            with contextlib.suppress(OSError):
                status, _, body = fetch(port, "/readyz")
                if status == 200:
                    return (time.perf_counter() - begun) * 1000, body
            time.sleep(0.002)
        return float("inf"), b""
    finally:
        stop(process)


def cold_start(checks, folder):
    root = folder / "many"
    many_titles(root)
    took = []
    for _ in range(STARTS):
        ms, body = started(root, folder)
        checks.that(f'"titles":{TITLES}'.encode() in body, "every title is ready", body)
        took.append(ms)
    median = statistics.median(took)
    checks.that(median < 200, "ready within 200 ms", took)
    return [f"start to ready with {TITLES} titles, ms (median, range)",
            f"{median:.0f} ({min(took):.0f}–{max(took):.0f})", "< 200"]


def idle_connections(checks, folder, root, path):
    """Connections that were used once and then wait."""
    with origin(root, folder) as (port, process):
        before = rss_kb(process) / 1024
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        size = len(fetch(port, path)[2])
        open_ = []
        for _ in range(IDLE):
            connection = socket.create_connection(("127.0.0.1", port))
            connection.sendall(request)
            got = b""
            while b"\r\n\r\n" not in got or len(got.split(b"\r\n\r\n", 1)[1]) < size:
                got += connection.recv(1 << 16)
            open_.append(connection)
        time.sleep(5)
        during = rss_kb(process) / 1024
        checks.that(during < 150, "5,000 idle connections under 150 MB", during)
        alive = 0
        for connection in open_[:: IDLE // 50]:
            connection.sendall(request)
            alive += connection.recv(64).startswith(b"HTTP/1.1 200")
        checks.that(alive == 50, "and they still work", alive)
        for connection in open_:
            connection.close()
    return [f"memory with {IDLE} idle connections, MB (without)", f"{during:.0f} ({before:.0f})", "< 150"]


def flat_memory(checks, folder, root, paths, requests):
    """Resident memory while everything is asked for again and again."""
    script = folder / "all.lua"
    quoted = ", ".join(f"{path!r}" for path in paths)
    script.write_text(f"paths = {{{quoted}}}\n" + """
local n = 0
request = function()
  n = n + 1
  local headers = {}
  if n % 7 == 0 then headers["Range"] = "bytes=0-99" end
  if n % 5 == 0 then headers["If-None-Match"] = "*" end
  if n % 3 == 0 then headers["Accept-Encoding"] = "gzip" end
  return wrk.format("GET", paths[n % #paths + 1] .. (n % 11 == 0 and "?CMCD=bl%3D" .. n or ""), headers)
end
done = function(s) io.write(string.format("RESULT %d %d\\n", s.requests, s.errors.read + s.errors.timeout)) end
""")
    log = folder / "access.log"
    done, samples = 0, []
    with origin(root, folder, f'access_log = "{log}"\n') as (port, process):
        while done < requests:
            text = subprocess.run(["wrk", "-t1", "-c64", "-d5", "-s", script, f"http://127.0.0.1:{port}/"],
                                  capture_output=True, text=True, check=True).stdout
            count, broken = map(int, text.rsplit("RESULT ", 1)[1].split())
            checks.that(broken == 0, "no request is lost", text)
            done += count
            samples.append((done, rss_kb(process) / 1024))
            os.truncate(log, 0)
    early = [mb for at, mb in samples if at >= requests * 0.1] or [samples[-1][1]]
    growth = samples[-1][1] - early[0]
    checks.that(growth < 5, "memory stays flat", samples)
    shown = ", ".join(f"{at / 1e6:.1f} M: {mb:.0f}" for at, mb in samples[:: max(1, len(samples) // 6)])
    return [f"memory over {done / 1e6:.1f} million requests, MB", f"{shown}; growth {growth:+.1f}", "flat"]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--requests", type=int, default=2_000_000)
    options = arguments.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (12_000, 12_000))
    checks, rows = Checks(), []
    with scratch() as folder:
        root = folder / "titles"
        shipped_titles(root)
        bench = bench_title(root, [9_000])
        edition = next(path.name for path in (root / "demo").iterdir() if path.is_dir())
        paths = [f"{bench}/s9000/{n}.m4s" for n in range(1, 9)]
        rungs = sorted(path.stem for path in (root / "demo" / edition).glob("mini-r*.mp4"))
        paths += [f"/demo/{edition}/{rung}/{n}.m4s" for rung in rungs[:2] for n in range(1, 5)]
        paths += ["/demo/master.m3u8", "/demo/segments/manifest.mpd", "/demo/segments/master.m3u8",
                  f"/demo/{edition}/{rungs[0]}/media.m3u8", f"/demo/{edition}/{rungs[0]}.mp4", "/none/master.m3u8"]
        rows.append(cold_start(checks, folder))
        rows.append(idle_connections(checks, folder, root, paths[0]))
        rows.append(flat_memory(checks, folder, root, paths, options.requests))
    table(["load", "measured", "bar"], rows)
    return checks.report("load")


if __name__ == "__main__":
    sys.exit(main())
