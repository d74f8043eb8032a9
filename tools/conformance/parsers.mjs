// Reads every manifest and media file of served titles with npm's parsers, and fails if one complains or
// if they do not agree. Prints { tool: [version, what it saw] } as JSON.
//
//   node parsers.mjs LIBRARIES http://127.0.0.1:8080/

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const libraries = process.argv[2];
const base = new URL(process.argv[3]);
const require = createRequire(join(libraries, "package.json"));
const hlsParser = require("hls-parser");
const { Parser: M3u8Parser } = require("m3u8-parser");
const { parse: parseMpd } = require("mpd-parser");
const mp4box = require("mp4box");
const muxjs = require("mux.js");
hlsParser.setOptions({ strictMode: true });

async function bytes(url, range) {
  const headers = range ? { range: `bytes=${range.offset}-${range.offset + range.length - 1}` } : {};
  const response = await fetch(url, { headers });
  assert.equal(response.status, range ? 206 : 200, url.href);
  return Buffer.from(await response.arrayBuffer());
}

async function text(url) {
  return (await bytes(url)).toString();
}

function m3u8(source) {
  const complaints = [];
  const parser = new M3u8Parser();
  parser.on("warn", ({ message }) => complaints.push(message));
  parser.push(source);
  parser.end();
  assert.deepEqual(complaints, []);
  return parser.manifest;
}

/// The tracks of an init segment and segments, and how many samples they have.
function mp4(parts) {
  const file = mp4box.createFile();
  const whole = Buffer.concat(parts);
  let info;
  file.onError = (error) => assert.fail(String(error));
  file.onReady = (ready) => { info = ready; };
  const buffer = whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length);
  file.appendBuffer(mp4box.MP4BoxBuffer ? mp4box.MP4BoxBuffer.fromArrayBuffer(buffer, 0) : Object.assign(buffer, { fileStart: 0 }));
  file.flush();
  return { info, samples: file.getTrackSamplesInfo(info.tracks[0].id) };
}

/// The same by mux.js: the codec of the one track, and the start of every segment in seconds.
function probed(init, parts) {
  const bytes = new Uint8Array(init);
  const [track] = muxjs.mp4.probe.tracks(bytes);
  const scales = muxjs.mp4.probe.timescale(bytes);
  const starts = parts.map((part) => muxjs.mp4.probe.startTime(scales, new Uint8Array(part)));
  return { codec: track.codec, type: track.type, starts };
}

async function mediaPlaylist(url, iframesOnly) {
  const source = await text(url);
  const strict = hlsParser.parse(source);
  const loose = m3u8(source);
  assert.equal(strict.isMasterPlaylist, false);
  assert.equal(Boolean(strict.isIFrame), iframesOnly);
  assert.equal(strict.segments.length, loose.segments.length);
  assert.ok(strict.endlist && loose.endList);
  const parts = await Promise.all(strict.segments.map((segment) => bytes(new URL(segment.uri, url), segment.byterange)));
  const map = strict.segments[0].map;
  const init = await bytes(new URL(map.uri, url), map.byterange);
  return { init, parts, segments: strict.segments };
}

async function hls(url) {
  const source = await text(url);
  const strict = hlsParser.parse(source);
  const loose = m3u8(source);
  assert.equal(strict.isMasterPlaylist, true);
  const variants = strict.variants.filter((variant) => !variant.isIFrameOnly);
  const iframes = strict.variants.filter((variant) => variant.isIFrameOnly);
  assert.equal(loose.playlists.length, variants.length);
  assert.equal(loose.iFramePlaylists?.length ?? 0, iframes.length);
  const rungs = [];
  for (const variant of variants) {
    const media = await mediaPlaylist(new URL(variant.uri, url), false);
    const { info, samples } = mp4([media.init, ...media.parts]);
    assert.ok(info.tracks[0].codec.startsWith(variant.codecs.split(".")[0]), info.tracks[0].codec);
    const probe = probed(media.init, media.parts);
    assert.ok(probe.type === "video" && probe.codec.startsWith("prm1"), JSON.stringify(probe));
    let seconds = 0;
    media.segments.forEach(({ duration }, at) => {
      assert.ok(Math.abs(probe.starts[at] - seconds) < 1e-3, `${variant.uri}: segment ${at + 1} starts at ${probe.starts[at]} s`);
      seconds += duration;
    });
    const size = media.parts.reduce((sum, part) => sum + part.length, media.init.length);
    assert.ok(Math.abs(size * 8 / seconds - variant.averageBandwidth) <= 1, `${variant.uri}: average bandwidth`);
    rungs.push({ codecs: variant.codecs, bandwidth: variant.bandwidth, segments: media.segments.length, samples: samples.length, parts: media.parts });
  }
  for (const variant of iframes) {
    const pictures = await mediaPlaylist(new URL(variant.uri, url), true);
    for (const part of pictures.parts) assert.ok(part.length > 0);
  }
  return rungs;
}

async function dash(url) {
  const manifest = parseMpd(await text(url), { manifestUri: url.href, eventHandler: ({ type, message }) => assert.fail(`${type}: ${message}`) });
  const rungs = [];
  for (const playlist of manifest.playlists) {
    const count = playlist.sidx ? null : playlist.segments.length;
    const parts = await Promise.all((playlist.segments ?? []).map((segment) => bytes(new URL(segment.resolvedUri))));
    if (playlist.sidx) assert.equal((await bytes(new URL(playlist.sidx.resolvedUri), playlist.sidx.byterange)).subarray(4, 8).toString(), "sidx");
    rungs.push({ codecs: playlist.attributes.CODECS, bandwidth: playlist.attributes.BANDWIDTH, segments: count, parts });
  }
  return rungs;
}

const catalogue = JSON.parse(await text(new URL("catalogue.json", base)));
assert.ok(catalogue.titles.length > 0, "no titles");
let [playlists, segments, samples, mpds] = [0, 0, 0, 0];
for (const title of catalogue.titles) {
  const ranges = await hls(new URL(title.hls, base));
  const cut = await hls(new URL(title.hls_segments, base));
  const indexed = await dash(new URL(title.dash, base));
  const numbered = await dash(new URL(title.dash_segments, base));
  assert.deepEqual(cut, ranges, "the same bytes in both HLS forms");
  for (const rungs of [indexed, numbered]) {
    assert.deepEqual(rungs.map((rung) => [rung.codecs, rung.bandwidth]), ranges.map((rung) => [rung.codecs, rung.bandwidth]));
  }
  numbered.forEach((rung, at) => assert.deepEqual(rung.parts, ranges[at].parts, "the same bytes in DASH"));
  const sum = (key) => ranges.reduce((total, rung) => total + rung[key], 0);
  playlists += 2 * (1 + 2 * ranges.length);
  segments += sum("segments");
  samples += sum("samples");
  mpds += 2;
}
function version(name) {
  return JSON.parse(readFileSync(join(libraries, "node_modules", name, "package.json"))).version;
}
const read = `${playlists} playlists, no complaint; the same bytes in both forms`;
console.log(JSON.stringify({
  "hls-parser (npm), strict": [version("hls-parser"), read],
  "m3u8-parser (npm)": [version("m3u8-parser"), read],
  "mpd-parser (npm)": [version("mpd-parser"), `${mpds} MPDs, rungs and bytes as in HLS`],
  "mp4box (npm)": [version("mp4box"), `${segments} segments, ${samples} samples`],
  "mux.js (npm)": [version("mux.js"), `${segments} segments, each starts where EXTINF says`],
}));
