#!/usr/bin/env python3
"""Real sessions beside simulated ones: the same title under the same recorded networks.

Starts `promptus serve`, plays the title over HTTP with `--throttle` under every trace (in real time,
all traces at once), simulates the same sessions from that moment of the trace at which the title was
open, and prints a Markdown table. Exits with 1 if more
decisions differ than --allow says. Needs nothing beside Python and the binary.

    cargo build --release
    tools/real_vs_simulated/compare.py --trace static/demo/trace.csv --trace A.json --trace B.txt
"""

import argparse
import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--promptus", default=str(REPOSITORY / "target/release/promptus"))
    parser.add_argument("--title", default=str(REPOSITORY / "manifests/demo"))
    parser.add_argument("--trace", action="append", required=True, help="recorded network; several")
    parser.add_argument("--abr", default="dynamic")
    parser.add_argument("--buffer", default="6", help="seconds to keep in the buffer")
    parser.add_argument("--as-recorded", action="store_true", help="do not fit the rates to the ladder")
    parser.add_argument("--allow", type=int, default=2, help="decisions a session that may differ")
    return parser.parse_args()


def last_object(output):
    return json.loads(output.splitlines()[-1])


class Origin:
    """`promptus serve` on a free port."""

    def __init__(self, promptus, title):
        title = Path(title).resolve()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        command = [promptus, "serve", str(title.parent), "--listen", f"127.0.0.1:{port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.url = f"{base}/{title.name}/master.m3u8"
        for _ in range(100):
            try:
                urllib.request.urlopen(f"{base}/healthz").read()
                return
            except OSError:
                time.sleep(0.1)
        raise SystemExit("promptus serve does not answer")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def simulate(args, url, trace, *network):
    command = [args.promptus, "simulate", url, "--trace", trace, *network]
    command += ["--abr", args.abr, "--buffer", args.buffer, "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(done.stderr)
    return last_object(done.stdout)


def start_playing(args, url, trace, multiplier):
    command = [args.promptus, "play", url, "--no-render", "--layers", "off"]
    command += ["--throttle", trace, "--multiplier", repr(multiplier)]
    command += ["--abr", args.abr, "--buffer", args.buffer, "--json"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def decisions(report):
    return [(row["segment"], row["rung"], row["outcome"]) for row in report["segments"]]


def row(trace, simulated, played):
    pairs = list(zip(decisions(simulated), decisions(played)))
    longer = abs(len(decisions(simulated)) - len(decisions(played)))
    differ = sum(a != b for a, b in pairs) + longer
    times = zip(simulated["segments"], played["segments"])
    apart = max(abs(a["requested_s"] - b["requested_s"]) for a, b in times)
    (s, p) = (simulated["summary"], played["summary"])
    cells = [
        f"`{Path(trace).name}` × {simulated['trace']['multiplier']:.4g}",
        f"{len(pairs)}",
        f"{s['switches']} / {p['switches']}",
        f"{differ}",
        f"{1000 * apart:.0f}",
        f"{s['kbps']:.2f} / {p['kbps']:.2f}",
        f"{s['stall_s']:.2f} / {p['stall_s']:.2f}",
        f"{s['startup_s']:.3f} / {p['startup_s']:.3f}",
    ]
    rungs = [" ".join(str(rung) for _, rung, _ in decisions(report)) for report in (simulated, played)]
    return differ, cells, rungs


HEAD = [
    "trace",
    "requests",
    "switches",
    "decisions that differ",
    "requests at most ms apart",
    "kbit/s",
    "stalled s",
    "start-up s",
]


def main():
    args = arguments()
    worst = 0
    lines = []
    with Origin(args.promptus, args.title) as origin:
        fit = [] if args.as_recorded else ["--fit-to-ladder"]
        fitted = [simulate(args, origin.url, trace, *fit) for trace in args.trace]
        multipliers = [report["trace"]["multiplier"] for report in fitted]
        playing = [
            start_playing(args, origin.url, trace, multiplier)
            for trace, multiplier in zip(args.trace, multipliers)
        ]
        print("| " + " | ".join(HEAD) + " |\n|" + "---|" * len(HEAD))
        for trace, multiplier, process in zip(args.trace, multipliers, playing):
            out, err = process.communicate()
            if process.returncode != 0:
                raise SystemExit(err)
            played = last_object(out)
            # The network began with the manifest, the simulation begins with the first segment.
            network = ["--multiplier", repr(multiplier), "--offset", repr(played["summary"]["opening_s"])]
            differ, cells, rungs = row(trace, simulate(args, origin.url, trace, *network), played)
            worst = max(worst, differ)
            print("| " + " | ".join(cells) + " |", flush=True)
            lines += [f"{Path(trace).name}: simulated {rungs[0]}", f"{Path(trace).name}: played    {rungs[1]}"]
    print("\nRungs in the order asked for:\n\n" + "\n".join(lines))
    return int(worst > args.allow)


if __name__ == "__main__":
    sys.exit(main())
