#!/usr/bin/env python3
"""CPU time a request and delay beside nginx: same files, same client, in turn, ratios only.

CPU time is user and system time of the server's processes over a round of wrk, divided by the
requests that were answered. All servers have one worker on CPU 0, wrk has CPU 1. nginx runs twice:
as plain as it can be, and with the constant fields that our answers carry too. Between the two stands
axum alone (floor.rs), a handler that looks its answer up in a table: the least that ours could cost.
"""

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys

from common import (REPOSITORY, bench_title, cpu_seconds, fetch, free_port, nginx, origin, scratch,
                    server, shipped_titles, spread, table)

FLOOR = os.environ.get("FLOOR", REPOSITORY / "target/dist/examples/floor")
RATE, CONNECTIONS = 2_000, 100
P99_BAR, LOG_BAR = 1.2, 1.05
# Requests that a round has at least.
ENOUGH = 2_000

LUA = """
local n = 0
request = function()
  n = n % #paths + 1
  return wrk.format("GET", paths[n], headers)
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("RESULT %d %d %d %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write, e.status, latency:percentile(50), latency:percentile(99)))
end
"""

CMCD = ("CMCD-Object: br=3200,d=2000,ot=v,tb=6000", "CMCD-Request: bl=12000,mtp=25000,su",
        'CMCD-Session: cid="demo",sf=h,sid="6e2fb550-c457-11e9-bb97-0800200c9a66",st=v',
        "CMCD-Status: rtp=15000")


def nginx_http(files, ports, log):
    """Two servers on the same files: plain, and with the fields that we send."""
    fields = "\n".join(
        f'add_header {name} "{value}" always;' for name, value in [
            ("cache-control", "public, max-age=31536000, immutable"),
            ("cmsd-static", "br=36,d=2000,ot=v,st=v"),
            ("link", "<2.m4s>; rel=prefetch"),
            ("access-control-allow-origin", "*"),
            ("access-control-expose-headers", "accept-ranges, alt-svc, cmsd-dynamic, cmsd-static, "
             "content-encoding, content-length, content-range, date, etag, link, retry-after, "
             "server-timing, x-request-id"),
            ("timing-allow-origin", "*"),
            ("x-request-id", "$request_id"),
        ])
    access = f"access_log {log} json buffer=64k flush=1s;" if log else "access_log off;"
    return f"""
sendfile on; tcp_nopush off; tcp_nodelay on; keepalive_timeout 75; keepalive_requests 1000000000;
open_file_cache max=1000 inactive=60s; open_file_cache_valid 60s; server_tokens off;
log_format json escape=json '{{"time":$msec,"request_id":"$request_id","client":"$remote_addr:$remote_port",'
  '"method":"$request_method","path":"$request_uri","status":$status,"bytes":$body_bytes_sent,'
  '"ms":$request_time,"user_agent":"$http_user_agent","cmcd":"$http_cmcd_object,$http_cmcd_request,'
  '$http_cmcd_session,$http_cmcd_status"}}';
{access}
server {{ listen 127.0.0.1:{ports[0]}; root {files}; gzip_static on; }}
server {{ listen 127.0.0.1:{ports[1]}; root {files}; gzip_static on; {fields} }}
"""


class Case:
    """What is asked for, again and again."""

    def __init__(self, name, paths, headers=(), status=200, bar=1.0):
        self.name, self.paths, self.headers = name, paths, list(headers)
        self.status, self.bar = status, bar

    def script(self, folder, etags):
        pairs = [header.split(": ", 1) for header in self.headers]
        if self.status == 304:
            pairs.append(("If-None-Match", etags))
        headers = ", ".join(f"[{name!r}]={value!r}" for name, value in map(tuple, pairs))
        paths = ", ".join(f"{path!r}" for path in self.paths)
        file = folder / f"wrk-{abs(hash((self.name, etags)))}.lua"
        file.write_text(f"paths = {{{paths}}}\nheaders = {{{headers}}}\n{LUA}")
        return file


def wrk(port, script, seconds, connections=32):
    command = ["taskset", "-c", "1", "wrk", "-t1", f"-c{connections}", f"-d{seconds}", "-s", script,
               f"http://127.0.0.1:{port}/"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    numbers = re.search(r"RESULT (.*)", text).group(1).split()
    requests, micros, broken, refused, p50, p99 = map(int, numbers)
    if broken or (refused and requests == 0):
        raise RuntimeError(text)
    return requests, requests / (micros / 1e6), p50, p99


def round_of(port, process, script, seconds):
    """A round goes on until it says something, however busy the machine is."""
    before, requests, rates = cpu_seconds(process), 0, []
    for _ in range(20):
        count, rate, _, _ = wrk(port, script, seconds)
        requests += count
        rates.append(rate)
        if requests >= ENOUGH:
            break
    return (cpu_seconds(process) - before) * 1e6 / max(requests, 1), statistics.median(rates)


def prepared(case, name, port, folder):
    """The script of a case, once the answer was seen to be what the case is about."""
    headers = dict(header.split(": ", 1) for header in case.headers)
    status, fields, _ = fetch(port, case.paths[0], headers=headers)
    assert status == 200, (case.name, name, status)
    if case.status == 304:
        headers["If-None-Match"] = fields["etag"]
        assert fetch(port, case.paths[0], headers=headers)[0] == 304, (case.name, name)
    return case.script(folder, fields["etag"])


def interleaved(entries, rounds, seconds):
    """CPU microseconds and rate of every (key, port, process, script), round by round in turn."""
    found = {key: [] for key, *_ in entries}
    for number in range(rounds + 1):
        for key, port, process, script in entries:
            took = round_of(port, process, script, seconds)
            if number:  # The first round only warms up.
                found[key].append(took)
    return found


def compare(cases, peers, rounds, seconds, folder):
    """Every case by peer."""
    found = {}
    for case in cases:
        entries = [((case.name, name), port, process, prepared(case, name, port, folder))
                   for name, port, process in peers]
        found |= interleaved(entries, rounds, seconds)
    return found


def publish_for_nginx(port, paths, files):
    """The same bytes as files for nginx; coded ones beside them, as gzip_static wants them."""
    for path in paths:
        status, _, body = fetch(port, path)
        assert status == 200, (path, status)
        file = files / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        status, fields, body = fetch(port, path, headers={"Accept-Encoding": "gzip"})
        if fields.get("content-encoding") == "gzip":
            file.with_name(file.name + ".gz").write_bytes(body)


def rows_of(cases, found):
    """Table rows, and what misses its bar."""
    rows, missed = [], []
    for case in cases:
        cpu = {peer: [us for us, _ in found[case.name, peer]] for peer in PEERS}
        over = lambda one, other: spread([a / b for a, b in zip(cpu[one], cpu[other])])
        rate = statistics.median([a[1] / b[1] for a, b in zip(found[case.name, "ours"], found[case.name, "nginx"])])
        plain, around = over("ours", "nginx")
        if plain > case.bar:
            missed.append(f"{case.name}: {plain:.2f} > {case.bar}")
        rows.append([case.name, *(f"{spread(cpu[p])[0]:.1f} ± {spread(cpu[p])[1]:.1f}" for p in cpu),
                     f"{plain:.2f} ± {around:.2f}", f"{over('ours', 'fields')[0]:.2f}",
                     f"{over('floor', 'nginx')[0]:.2f}", f"{case.bar}", f"{rate:.2f}"])
    return rows, missed


PEERS = {"ours": "ours", "floor": "axum alone", "nginx": "nginx", "fields": "nginx, same fields"}
HEAD = ["CPU µs a request", *PEERS.values(), "ours / nginx", "/ same fields", "axum alone / nginx", "bar", "req/s ratio"]


def delays(port, path, seconds, folder):
    """Milliseconds of 2,000 requests a second that are sent when they are due: median and p99."""
    log = folder / "h2load.log"
    log.unlink(missing_ok=True)
    command = ["taskset", "-c", "1", "h2load", "--h1", "-t1", f"-c{CONNECTIONS}", f"--rps={RATE // CONNECTIONS}",
               f"-D{seconds}", f"--log-file={log}", f"http://127.0.0.1:{port}{path}"]
    subprocess.run(command, capture_output=True, check=True)
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    took = sorted(int(line[2]) / 1000 for line in lines if line[1] == "200")
    return len(took) / seconds, took[len(took) // 2], took[len(took) * 99 // 100]


def open_loop(peers, paths, rounds, seconds, folder):
    """Rows of p50 and p99 beside nginx, and what misses."""
    rows, missed = [], []
    for name, path in paths:
        found = {peer: [] for peer, _, _ in peers}
        for _ in range(rounds):
            for peer, port, _ in peers:
                found[peer].append(delays(port, path, seconds, folder))
        median = lambda peer, i: statistics.median(each[i] for each in found[peer])
        over = lambda peer: spread([a[2] / b[2] for a, b in zip(found[peer], found["nginx"])])
        ratio, around = over("ours")
        if ratio > P99_BAR:
            missed.append(f"{name}: p99 {ratio:.2f} > {P99_BAR}")
        rows.append([name, *(f"{median(peer, 1):.2f} / {median(peer, 2):.2f}" for peer in found),
                     f"{ratio:.2f} ± {around:.2f}", f"{over('floor')[0]:.2f}", P99_BAR,
                     " / ".join(f"{median(peer, 0):.0f}" for peer in found)])
    return rows, missed


def watching(peers, cases, rounds, seconds, folder):
    """Rows of what CMCD and the access log cost, ours and nginx's, and what misses."""
    entries = []
    for name, port, process in peers:
        case = cases[name.endswith("log")]
        entries.append((name, port, process, prepared(case, name, port, folder)))
    found = interleaved(entries, rounds, seconds)
    cost = {peer: spread([us for us, _ in took]) for peer, took in found.items()}
    rows, missed = [], []
    for peer in ("ours", "nginx"):
        off, on = cost[peer], cost[f"{peer}, log"]
        rows.append([peer, f"{off[0]:.1f} ± {off[1]:.1f}", f"{on[0]:.1f} ± {on[1]:.1f}", f"{on[0] / off[0]:.2f}"])
    own = cost["ours, log"][0] / cost["ours"][0]
    both = cost["ours, log"][0] / cost["nginx, log"][0]
    rows.append(["ours / nginx", f"{cost['ours'][0] / cost['nginx'][0]:.2f}", f"{both:.2f}", ""])
    if own > LOG_BAR:
        missed.append(f"with CMCD and log: {own:.2f} of without > {LOG_BAR}")
    return rows, missed


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--seconds", type=int, default=1)
    arguments.add_argument("--only", default="")
    options = arguments.parse_args()
    rounds, seconds = options.rounds, options.seconds
    missed = []
    with scratch() as folder, contextlib.ExitStack() as running:
        root, files = folder / "titles", folder / "files"
        shipped_titles(root)
        bench = bench_title(root, [9_000, 100_000])
        small = [f"{bench}/s9000/{n}.m4s" for n in range(1, 17)]
        large = [f"{bench}/s100000/{n}.m4s" for n in range(1, 17)]
        hls, dash = "/demo/segments/master.m3u8", "/demo/segments/manifest.mpd"
        cases = [
            Case("segment of 9 kB", small),
            Case("segment of 100 kB", large, bar=1.1),
            Case("segment, 304", small[:1], status=304),
            Case("master.m3u8", [hls]),
            Case("master.m3u8, gzip", [hls], ["Accept-Encoding: gzip"]),
            Case("manifest.mpd", [dash]),
            Case("manifest.mpd, 304", [dash], status=304),
        ]
        one = {"TOKIO_WORKER_THREADS": "1"}
        start = lambda config: running.enter_context(origin(root, folder, config, env=one, pin=0))
        (port, ours), (logging, ours_logging) = start(""), start(f'access_log = "{folder}/ours.log"\n')
        publish_for_nginx(port, small + large + [hls, dash], files)
        ports, log_ports = (free_port(), free_port()), (free_port(), free_port())
        theirs, theirs_logging = (
            running.enter_context(nginx(folder / f"nginx-{at[0]}", nginx_http(files, at, log), at[0], pin=0))
            for at, log in ((ports, None), (log_ports, folder / "theirs.log")))
        least_port = free_port()
        command = ["taskset", "-c", "0", FLOOR, files, f"127.0.0.1:{least_port}"]
        least = running.enter_context(server(command, least_port, env={**os.environ, **one}))
        peers = [("ours", port, ours), ("floor", least_port, least),
                 ("nginx", ports[0], theirs), ("fields", ports[1], theirs)]
        chosen = [case for case in cases if options.only in case.name]
        rows, misses = rows_of(chosen, compare(chosen, peers, rounds, seconds, folder))
        table(HEAD, rows)
        missed += misses
        if options.only in "delay":
            # A p99 swings more than a mean.
            rows, misses = open_loop(peers[:3], [("9 kB", small[0]), ("100 kB", large[0])], 3 * rounds, 2, folder)
            print()
            table([f"delay at {RATE} req/s, p50 / p99, ms", *list(PEERS.values())[:3], "p99 ours / nginx",
                   "axum alone / nginx", "bar", "req/s sent"], rows)
            missed += misses
        if options.only in "log":
            everyone = [peers[0], peers[2], ("ours, log", logging, ours_logging), ("nginx, log", log_ports[0], theirs_logging)]
            watched = Case("segment of 9 kB, CMCD", small, CMCD)
            rows, misses = watching(everyone, (cases[0], watched), rounds, seconds, folder)
            print()
            table(["CPU µs a request for 9 kB", "plain", "with CMCD and access log", "ratio"], rows)
            missed += misses
    for miss in missed:
        print(f"  MISSED {miss}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
