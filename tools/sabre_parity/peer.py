"""Runs the reader's own copy of Sabre and writes down every request that it makes.

Nothing of Sabre is here. Its file is parsed, its definitions are run, a few of them are wrapped, and then its main part
runs as it stands; what that keeps in global variables is read from there.
"""

import ast
import contextlib
import io
import signal
import sys
from dataclasses import dataclass, field

COLUMNS = (
    "segment quality size_bits downloaded_bits start_ms time_ms ttfb_ms buffer_before_ms buffer_after_ms "
    "full_buffer_delay_ms abr_delay_ms replace_offset abandon_to est_throughput_kbps est_latency_ms "
    "network_clock_ms play_clock_ms rebuffer_ms"
).split()


class Endless(Exception):
    """The session has run for longer than it may."""


@dataclass
class Outcome:
    """What came of a session: figures and requests, or why it has none."""

    failure: str | None = None
    metrics: dict = field(default_factory=dict)
    rows: list = field(default_factory=list)

    def columns(self):
        return {name: [row[name] for row in self.rows] for name in COLUMNS}


class Peer:
    """Sabre, from its file."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            tree = ast.parse(file.read(), path)
        *definitions, main = tree.body
        if not isinstance(main, ast.If):
            raise SystemExit(f"{path}: expected `if __name__ == '__main__':` at the end, as in sabre.py at 09b03bb")
        module = lambda body: compile(ast.Module(body, []), path, "exec")
        self.definitions, self.main = module(definitions), module([main])

    def run(self, words, trace, movie, seconds):
        """Plays `movie` over `trace` with the options `words`; gives up after `seconds`."""
        outcome = Outcome()
        state = {"__name__": "__main__"}
        printed = io.StringIO()
        with arguments(["sabre.py", "-n", trace, "-m", movie, *words]), limit(seconds):
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                try:
                    exec(self.definitions, state)
                    listen(state, outcome.rows)
                    exec(self.main, state)
                except (Exception, SystemExit) as error:
                    outcome.failure = f"{type(error).__name__}: {error}"
        outcome.metrics = figures(printed.getvalue())
        return outcome


def listen(state, rows):
    """Wraps what is called around a request, so that each leaves a row."""
    level = state["get_buffer_level"]
    download = state["NetworkModel"].download

    def recorded(self, size, index, quality, *rest):
        before, start = level(), state["total_play_time"]
        done = download(self, size, index, quality, *rest)
        full = state.get("full_delay", 0)
        rows.append({
            "segment": index, "quality": quality, "size_bits": done.size, "downloaded_bits": done.downloaded,
            "start_ms": start, "time_ms": done.time, "ttfb_ms": done.time_to_first_bit, "buffer_before_ms": before,
            "full_buffer_delay_ms": max(0, full), "abr_delay_ms": state.get("delay", 0),
            "replace_offset": state.get("replace"), "abandon_to": done.abandon_to_quality,
        })
        return done

    def close(row, play_clock):
        row["buffer_after_ms"], row["play_clock_ms"] = level(), play_clock
        row["network_clock_ms"], row["rebuffer_ms"] = state["network_total_time"], state["rebuffer_time"]
        row["est_throughput_kbps"], row["est_latency_ms"] = state["throughput"], state["latency"]

    def reporting(report):
        def wrapped(self, *news):
            close(rows[-1], state["total_play_time"])
            return report(self, *news)
        return wrapped

    def learning(push):
        def wrapped(self, *sample):
            push(self, *sample)
            # The start-up request is reported to no rule, and its time is added afterwards.
            if len(rows) == 1:
                close(rows[0], state["total_play_time"] + rows[0]["time_ms"])
            rows[-1]["est_throughput_kbps"], rows[-1]["est_latency_ms"] = state["throughput"], state["latency"]
        return wrapped

    state["NetworkModel"].download = recorded
    for rule in state["abr_list"].values():
        rule.report_download = reporting(rule.report_download)
    for average in state["average_list"].values():
        average.push = learning(average.push)


def figures(printed):
    """The lines `name: number`."""
    found = {}
    for line in printed.splitlines():
        name, colon, value = line.partition(": ")
        with contextlib.suppress(ValueError):
            if colon:
                found[name] = float(value)
    return found


@contextlib.contextmanager
def arguments(words):
    kept, sys.argv = sys.argv, words
    try:
        yield
    finally:
        sys.argv = kept


@contextlib.contextmanager
def limit(seconds):
    def ring(*_):
        raise Endless(f"no end after {seconds} s")
    kept = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, kept)
