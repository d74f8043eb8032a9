#!/usr/bin/env python3
"""Plays random sessions with Sabre and with `promptus simulate --compat sabre`, and says where they part."""

import argparse
import json
import pathlib
import random
import subprocess
import sys
from collections import Counter

from options import line
from peer import Peer


def main():
    options = parse()
    peer = Peer(options.sabre)
    traces = files(options.traces, list)
    movies = files(options.movies, dict)
    tally, asked = Counter(), Counter()
    for number in range(options.first, options.first + options.sessions):
        rng = random.Random(f"{options.seed} {number}")
        trace, movie, words = rng.choice(traces), rng.choice(movies), line(rng)
        asked.update(word.split("=")[0] for word in words if word.startswith("-") and not word[1:2].isdigit())
        expected = peer.run(words, trace, movie, options.patience)
        verdict, differences = judge(expected, ours(options, words, trace, movie), options)
        tally[verdict] += 1
        if differences or options.verbose:
            print(f"{number}: {verdict}: {' '.join(words)} -n {trace} -m {movie}")
            print("".join(f"    {difference}\n" for difference in differences), end="", flush=True)
    print(", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.items())))
    if options.verbose:
        print("options: " + ", ".join(f"{word} {count}" for word, count in sorted(asked.items())))
    sys.exit(1 if any(verdict.startswith("DIFFERENT") for verdict in tally) else 0)


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("sabre", help="sabre.py of UMass-LIDS/sabre at 09b03bb")
    parser.add_argument("--traces", required=True, help="folder of Sabre's network files, searched deeply")
    parser.add_argument("--movies", required=True, help="folder of its movie files, searched deeply")
    parser.add_argument("--promptus", default="target/release/promptus", help="our program")
    parser.add_argument("--seed", default="1", help="the same seed, the same sessions")
    parser.add_argument("--sessions", type=int, default=600, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first one")
    parser.add_argument("--tolerance", type=float, default=1e-9, help="relative difference that counts as equal")
    parser.add_argument("--patience", type=int, default=30, help="seconds after which Sabre counts as hanging")
    parser.add_argument("--verbose", action="store_true", help="name every session")
    return parser.parse_args()


def files(folder, kind):
    """The JSON files under `folder` whose top value is of this kind: lists are traces, objects movies."""
    paths = sorted(pathlib.Path(folder).rglob("*.json"))
    found = [str(path) for path in paths if isinstance(json.loads(path.read_text()), kind)]
    return found or sys.exit(f"{folder}: expected JSON files of Sabre, found none")


def ours(options, words, trace, movie):
    command = [options.promptus, "simulate", "--compat", "sabre", "--json", f"--sabre-args={' '.join(words)}"]
    return subprocess.run([*command, "--movie", movie, "--trace", trace], capture_output=True, text=True)


def judge(expected, found, options):
    """A verdict in a few words, and the differences."""
    message = found.stderr.strip()
    if found.returncode not in (0, 1, 2) or "panicked" in message:
        return "DIFFERENT: we broke", [f"exit {found.returncode}: {message}"]
    if expected.failure and found.returncode:
        return "end in an error on both sides", [f"{expected.failure}; here: {message}"] if options.verbose else []
    if expected.failure:
        return "DIFFERENT: only Sabre fails", [expected.failure]
    if found.returncode:
        return "DIFFERENT: only we fail", [message]
    session = json.loads(found.stdout)
    differences = columns_apart(expected.columns(), session["decisions"], options.tolerance)
    for name in expected.metrics.keys() | session["metrics"].keys():
        pair = expected.metrics.get(name), session["metrics"].get(name)
        if not close(*pair, options.tolerance):
            differences.append(f"{name}: {pair[0]} there, {pair[1]} here")
    return ("DIFFERENT: results" if differences else "equal"), differences


def columns_apart(expected, found, tolerance):
    """One line a column: the first row that differs."""
    differences = []
    for name, there in expected.items():
        here = found.get(name, [])
        rows = range(min(len(there), len(here)))
        row = next((row for row in rows if not close(there[row], here[row], tolerance)), None)
        if row is not None:
            differences.append(f"{name}, request {row}: {there[row]} there, {here[row]} here")
        elif len(there) != len(here):
            differences.append(f"{name}: {len(there)} requests there, {len(here)} here")
    return differences


def close(there, here, tolerance):
    if there is None or here is None:
        return there is here
    return abs(there - here) <= tolerance * max(abs(there), 1.0)


if __name__ == "__main__":
    main()
