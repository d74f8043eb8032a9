// Which segment of which rung a line of the access log answered.

/// Which part of the title lies before the frame that is compared.
const LOOK_AT = 0.94;

function attribute(line, name) {
  return new RegExp(`[:,]${name}=([^",]+|"[^"]*")`).exec(line)?.[1].replaceAll('"', "");
}

/// The byte ranges that a media playlist names, as `bytes=A-B`.
function ranges(playlist) {
  const found = [...playlist.matchAll(/^#EXT-X-BYTERANGE:(\d+)@(\d+)$/gm)];
  return found.map(([, length, start]) => `bytes=${start}-${Number(start) + Number(length) - 1}`);
}

export class Title {
  /// Reads the rungs and their segments off the HLS playlists in byte ranges.
  static async read(origin, entry) {
    const master = await origin.text(entry.hls);
    const lines = master.split("\n");
    const rungs = [];
    for (const [at, line] of lines.entries()) {
      if (!line.startsWith("#EXT-X-STREAM-INF")) continue;
      const id = attribute(line, "STABLE-VARIANT-ID");
      const playlist = await origin.text(new URL(lines[at + 1], new URL(entry.hls, origin.url)).pathname);
      const bits = Number(attribute(line, "AVERAGE-BANDWIDTH"));
      rungs.push({ id, bits, codecs: attribute(line, "CODECS"), ranges: ranges(playlist) });
    }
    return new Title(entry, rungs);
  }

  constructor(entry, rungs) {
    this.entry = entry;
    this.seconds = entry.duration_s;
    const [numerator, denominator = 1] = entry.profiles[0].frame_rate.split("/").map(Number);
    this.fps = numerator / denominator;
    /// Media time of the frame that is compared with the native player's.
    this.lookAt = Math.floor(this.seconds * LOOK_AT * this.fps) / this.fps;
    this.rungs = rungs.sort((a, b) => a.bits - b.bits);
    this.segments = rungs[0].ranges.length;
  }

  /// Where a manifest lies below the URL `base`.
  url(base, kind, form) {
    const name = `${kind === "HLS" ? "hls" : "dash"}${form === "segments" ? "_segments" : ""}`;
    return new URL(this.entry[name], base).href;
  }

  /// { rung, number } of a media segment that was sent whole, rungs from 0, segments from 1; else null.
  segment({ path, range, status, whole }) {
    const { pathname } = new URL(path, "http://origin");
    if (!whole || ![200, 206].includes(status)) return null;
    for (const [rung, { id, ranges }] of this.rungs.entries()) {
      const number = Number(pathname.match(new RegExp(`/${id}/(\\d+)\\.m4s$`))?.[1] ?? 0)
        || (pathname.endsWith(`/${id}.mp4`) ? ranges.indexOf(range) + 1 : 0);
      if (number) return { rung, number };
    }
    return null;
  }
}
