#!/usr/bin/env python3
"""A title of two hours at 50 kbit/s: bytes and seconds before its first frame, from its start and from
an hour and a half on, and the server's memory while all of it is fetched.

Seconds are those of a viewer: from the start of the player, over a link on which all answers are that
slow, until the first frame is on disk.
"""

import os
import re
import subprocess
import sys
import time

from common import PROMPTUS, REPOSITORY, SHIPPED, Checks, fetch, log_lines, origin, rss_kb, scratch, table

SECONDS, KBPS, MIDDLE = 7200, 50, 5400
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


def media_starts(title):
    """Where the first segment of a rung's file begins: after the longest index."""
    ends = re.findall(r'indexRange="\d+-(\d+)"', (title / "manifest.mpd").read_text())
    return max(map(int, ends)) + 1


def is_media(line, starts):
    """Whether an answer was a segment, not a manifest, an index or an init segment."""
    first = (line.get("range") or "bytes=0-").removeprefix("bytes=").split("-")[0]
    return line["kind"] == "segment" or (line["kind"] == "media" and int(first or 0) >= starts)


def first_frame(folder, port, log, path, trace, starts, begin=0):
    """Plays until there is a frame: seconds, and bytes that came by then."""
    frames = folder / f"frames-{time.monotonic_ns()}"
    before = len(log_lines(log)) if log.exists() else 0
    begun = time.time()
    player = subprocess.Popen([PROMPTUS, "play", f"http://127.0.0.1:{port}{path}", "--throttle", trace,
                               "--start", str(begin), "--out", frames], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
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
    needed = 0
    for line in log_lines(log)[before:]:
        needed += line["bytes"]
        # The first segment is part of what is needed, what comes after it is not.
        if is_media(line, starts):
            break
    return seconds, needed


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
        log, trace, starts = folder / "access.log", shaped(folder), media_starts(title)
        with origin(folder / "titles", folder, f'access_log = "{log}"\n') as (port, process):
            for path in ["/long/master.m3u8", "/long/segments/master.m3u8", "/long/manifest.mpd", "/long/segments/manifest.mpd"]:
                seconds, needed = first_frame(folder, port, log, path, trace, starts)
                held = needed <= MOST_BYTES and seconds <= MOST_SECONDS
                checks.that(held, f"{path}: first frame", (round(seconds, 1), needed))
                later, more = first_frame(folder, port, log, path, trace, starts, MIDDLE)
                checks.that(later < 60, f"{path}: first frame from the middle", (later, more))
                rows.append([path, needed, f"{seconds:.1f}", more, f"{later:.1f}"])
            samples = whole_title(checks, port, process, edition)
            growth = (samples[-1] - samples[1]) * 1e6
            # What is fetched may stay in the cache, and nothing else.
            checks.that(growth < 1.3 * size, "memory grows by what is cached at most", samples)
        table([f"2 h at {KBPS} kbit/s", f"bytes before the first frame (≤ {MOST_BYTES})",
               f"seconds to it (≤ {MOST_SECONDS:.0f})",
               f"from {MIDDLE} s on: bytes", "seconds"], rows)
        print(f"\nmemory while {SECONDS // 2} segments of {size / 1e6:.0f} MB in all are fetched, MB: "
              + ", ".join(f"{mb:.0f}" for mb in samples))
    return checks.report("title")


if __name__ == "__main__":
    sys.exit(main())
