#!/usr/bin/env python3
"""A title of two hours at 50 kbit/s: bytes and seconds before its first frame, and the server's
memory while all of it is fetched.
"""

import os
import subprocess
import sys
import time

from common import PROMPTUS, REPOSITORY, SHIPPED, Checks, fetch, log_lines, origin, rss_kb, scratch, table

SECONDS, KBPS = 7200, 50
MOST_BYTES, MOST_SECONDS = 40_000, 10.0


def long_title(folder):
    """The shipped title, shown again and again."""
    build = ["cargo", "run", "--release", "-q", "--no-default-features", "--example", "long_title", "--"]
    made = os.environ.get("LONG_TITLE")
    command = [made] if made else build
    subprocess.run([*command, SHIPPED / "demo", folder / "titles/long", str(SECONDS)], check=True, cwd=REPOSITORY)


def shaped(folder):
    """A link of so many kbit/s, as a recorded network."""
    trace = folder / "link.json"
    trace.write_text(f'[{{"duration_ms": 3600000, "bandwidth_kbps": {KBPS}, "latency_ms": 50}}]\n')
    return trace


def first_frame(folder, port, log, path, trace):
    """Plays until there is a frame: seconds, and bytes that had been asked for by then."""
    frames = folder / f"frames-{time.monotonic_ns()}"
    before = len(log_lines(log)) if log.exists() else 0
    begun = time.time()
    player = subprocess.Popen([PROMPTUS, "play", f"http://127.0.0.1:{port}{path}", "--throttle", trace,
                               "--out", frames], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not any(frames.glob("*.png")) if frames.is_dir() else True:
            if player.poll() is not None or time.time() - begun > 120:
                return float("inf"), 0
            time.sleep(0.02)
        seconds = time.time() - begun
    finally:
        player.kill()
        player.wait()
    time.sleep(1.2)
    lines = log_lines(log)[before:]
    # The first segment is part of what is needed, those after it are not.
    needed, segments = 0, 0
    for line in lines:
        media = line["kind"] == "segment" or (line["kind"] == "media" and segments_of(line))
        segments += media
        if media and segments > 1:
            break
        needed += line["bytes"]
    return seconds, needed


def segments_of(line):
    """Whether a range of a rung's file is past its head."""
    first = (line.get("range") or "bytes=0-").removeprefix("bytes=").split("-")[0]
    return int(first or 0) > 900


def whole_title(checks, port, process, edition):
    """Fetches every segment of a rung; memory on the way."""
    samples = [rss_kb(process) / 1024]
    count = SECONDS // 2
    for number in range(1, count + 1):
        status, _, _ = fetch(port, f"/long/{edition}/mini-r16/{number}.m4s")
        if status != 200:
            checks.that(False, f"segment {number}", status)
        if number % (count // 4) == 0:
            samples.append(rss_kb(process) / 1024)
    return samples


def main():
    checks, rows = Checks(), []
    with scratch() as folder:
        long_title(folder)
        title = folder / "titles/long"
        edition = next(path.name for path in title.iterdir() if path.is_dir())
        size = sum(path.stat().st_size for path in title.rglob("*") if path.is_file())
        log, trace = folder / "access.log", shaped(folder)
        with origin(folder / "titles", folder, f'access_log = "{log}"\n') as (port, process):
            for path in ["/long/master.m3u8", "/long/segments/master.m3u8", "/long/manifest.mpd", "/long/segments/manifest.mpd"]:
                seconds, needed = first_frame(folder, port, log, path, trace)
                # The player shapes segments only: add what the rest takes on the same link.
                seconds += needed * 8 / (KBPS * 1000)
                held = needed <= MOST_BYTES and seconds <= MOST_SECONDS
                checks.that(held, f"{path}: first frame", (round(seconds, 1), needed))
                rows.append([path, needed, f"{seconds:.1f}"])
            samples = whole_title(checks, port, process, edition)
            growth = (samples[-1] - samples[1]) * 1e6
            # What is fetched may stay in the cache, and nothing else.
            checks.that(growth < 1.3 * size, "memory grows by what is cached at most", samples)
        table([f"2 h at {KBPS} kbit/s", f"bytes before the first frame (≤ {MOST_BYTES})",
               f"seconds to it (≤ {MOST_SECONDS:.0f})"], rows)
        print(f"\nmemory while {SECONDS // 2} segments of {size / 1e6:.0f} MB in all are fetched, MB: "
              + ", ".join(f"{mb:.0f}" for mb in samples))
    return checks.report("title")


if __name__ == "__main__":
    sys.exit(main())
