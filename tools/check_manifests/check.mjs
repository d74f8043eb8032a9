// Reads every manifest and media file of served titles with parsers that are not ours, and fails
// if one complains or if they do not agree.
//
//   promptus serve --listen 127.0.0.1:8080 &
//   cd tools/check_manifests && npm install && node check.mjs http://127.0.0.1:8080/

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import * as hlsParser from "hls-parser";
import { Parser as M3u8Parser } from "m3u8-parser";
import { parse as parseMpd } from "mpd-parser";

const mp4box = createRequire(import.meta.url)("mp4box");
const base = new URL(process.argv[2] ?? "http://127.0.0.1:8080/");
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
    const seconds = media.segments.reduce((sum, segment) => sum + segment.duration, 0);
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
for (const title of catalogue.titles) {
  const ranges = await hls(new URL(title.hls, base));
  const segments = await hls(new URL(title.hls_segments, base));
  const indexed = await dash(new URL(title.dash, base));
  const numbered = await dash(new URL(title.dash_segments, base));
  assert.deepEqual(segments, ranges, "the same bytes in both HLS forms");
  for (const rungs of [indexed, numbered]) {
    assert.deepEqual(rungs.map((rung) => [rung.codecs, rung.bandwidth]), ranges.map((rung) => [rung.codecs, rung.bandwidth]));
  }
  numbered.forEach((rung, at) => assert.deepEqual(rung.parts, ranges[at].parts, "the same bytes in DASH"));
  const counts = ranges.map((rung) => `${rung.segments} segments, ${rung.samples} keyframes`);
  console.log(`${title.name}: ${ranges.length} rungs agree in 4 manifests (${counts.join("; ")})`);
}
