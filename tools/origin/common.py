"""What the checks of the origin share: servers that are started and stopped, CPU time, tables."""

import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROMPTUS = os.environ.get("PROMPTUS", str(REPOSITORY / "target/release/promptus"))
SHIPPED = REPOSITORY / "manifests"


class Checks:
    """Counts what held and what did not, and says so at once."""

    def __init__(self):
        self.failed = []
        self.passed = 0

    def that(self, holds, what, detail=""):
        if holds:
            self.passed += 1
        else:
            self.failed.append(what)
            print(f"  FAILED {what} {detail}", flush=True)
        return holds

    def report(self, name):
        print(f"{name}: {self.passed} held, {len(self.failed)} failed", flush=True)
        return 1 if self.failed else 0


@contextlib.contextmanager
def scratch():
    """A folder that is gone afterwards; servers of other users may read it."""
    with tempfile.TemporaryDirectory(prefix="promptus-origin-") as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_port(port, process=None, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process and process.poll() is not None:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on {port}")


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def server(command, port, **options):
    """A server that listens on `port` while the block runs."""
    process = subprocess.Popen([str(part) for part in command], **options)
    try:
        wait_for_port(port, process)
        yield process
    finally:
        stop(process)


@contextlib.contextmanager
def origin(root, folder, config="", env=None, pin=None, port=None):
    """`promptus serve ROOT`: gives (port, process)."""
    port = port or free_port()
    settings = folder / f"serve-{port}.toml"
    settings.write_text("[serve]\n" + config)
    command = [PROMPTUS, "serve", root, "--listen", f"127.0.0.1:{port}", "--config", settings]
    if pin is not None:
        command = ["taskset", "-c", str(pin), *command]
    log = open(folder / f"serve-{port}.log", "ab")
    with server(command, port, stderr=log, env={**os.environ, **(env or {})}) as process:
        yield port, process


@contextlib.contextmanager
def nginx(folder, http, port, workers=1, pin=None):
    """nginx with this `http` block; gives the master process."""
    folder.mkdir(exist_ok=True)
    settings = folder / f"nginx-{port}.conf"
    settings.write_text(
        f"daemon off; worker_processes {workers}; pid {folder}/nginx-{port}.pid;\n"
        f"error_log {folder}/nginx-{port}.log warn;\n"
        + ("user root;\n" if os.geteuid() == 0 else "")
        + "worker_rlimit_nofile 20000;\nevents { worker_connections 8192; }\n"
        f"http {{ types {{ video/mp4 mp4 m4s; application/vnd.apple.mpegurl m3u8; application/dash+xml mpd; }} default_type application/octet-stream;\n{http}\n}}\n"
    )
    command = ["nginx", "-e", f"{folder}/nginx-{port}.log", "-c", settings]
    if pin is not None:
        command = ["taskset", "-c", str(pin), *command]
    with server(command, port) as process:
        yield process


def processes(process):
    """The process and its children."""
    found = [process.pid]
    with contextlib.suppress(OSError):
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        found += [int(pid) for pid in children.read_text().split()]
    return found


def cpu_seconds(process):
    """User and system time of a server: all its processes and threads, to the nanosecond."""
    total = 0
    for pid in processes(process):
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def rss_kb(process):
    """Resident memory of a server."""
    total = 0
    for pid in processes(process):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


def fetch(port, path, method="GET", headers=None, timeout=20):
    """One request on a connection of its own: (status, fields in lower case, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        body = answer.read()
        fields = {}
        for name, value in answer.getheaders():
            name = name.lower()
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return answer.status, fields, body
    finally:
        connection.close()


def metric(port, name):
    """A counter of our own at /metrics, over all labels."""
    text = fetch(port, "/metrics")[2].decode()
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith(name) and not line.startswith("#")
    )


def log_lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def bench_title(root, sizes, segments=16):
    """A title of opaque segments of exactly these sizes: for servers and caches, not for players.

    Gives its folder's URL path; rung `sN` has segments of N bytes.
    """
    name = hashlib.sha256(repr((sizes, segments)).encode()).hexdigest()[:16]
    folder = root / "bench" / name
    folder.mkdir(parents=True)
    for size in sizes:
        init = 700
        pieces = [hashlib.shake_256(f"{size} {n}".encode()).digest(size) for n in range(segments)]
        (folder / f"s{size}.mp4").write_bytes(b"\0" * init + b"".join(pieces))
        lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:2", "#EXT-X-PLAYLIST-TYPE:VOD",
                 f'#EXT-X-MAP:URI="s{size}.mp4",BYTERANGE="{init}@0"']
        for n in range(segments):
            lines += ["#EXTINF:2.000000,", f"#EXT-X-BYTERANGE:{size}@{init + n * size}", f"s{size}.mp4"]
        (folder / f"s{size}.m3u8").write_text("\n".join([*lines, "#EXT-X-ENDLIST", ""]))
    return f"/bench/{name}"


def shipped_titles(root):
    """A copy of the titles that come with promptus."""
    shutil.copytree(SHIPPED, root, dirs_exist_ok=True)


def spread(values):
    """Median, and half the range around it."""
    return statistics.median(values), (max(values) - min(values)) / 2


def table(head, rows):
    """Prints a Markdown table."""
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    line = lambda row: "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths)) + " |"
    print("\n".join([line(head), "|" + "|".join("-" * (w + 2) for w in widths) + "|", *map(line, rows)]))
    sys.stdout.flush()
