// What a session must have done, by the origin's access log and by the page's own report.

import { MEAN, WORST, difference } from "./native.mjs";

const SLACK_S = 0.05;
/// Share of the title's frames that must be drawn, as a busy machine leaves some out.
const DRAWN = 0.5;

/// The rung of every segment in the order in which they were asked for.
function fetched(title, lines) {
  return lines.map((line) => ({ time: line.time, ...title.segment(line) })).filter(({ number }) => number);
}

/// The difference to the picture of the rung that is nearest, as the player chooses the rung.
function nearest(natives, picture) {
  const all = natives.map((native) => difference(native, picture.rgba));
  return all.reduce((least, next) => (next.mean < least.mean ? next : least));
}

/// The problems of a session, and the row of the table that tells of it.
export function judge(title, session, { report, slowedAt, picture }, lines) {
  const media = fetched(title, lines);
  const before = media.filter(({ time }) => slowedAt !== null && time < slowedAt).map(({ rung }) => rung);
  const after = media.filter(({ time }) => slowedAt !== null && time >= slowedAt).map(({ rung }) => rung);
  const switched = before.length > 0 && after.length > 0 && Math.min(...after) < Math.max(...before);
  const numbers = new Set(media.map(({ number }) => number));
  const problems = [...report.errors];
  const must = (holds, problem) => holds || problems.push(problem);
  must(report.rungs.length === title.rungs.length, `${report.rungs.length} of ${title.rungs.length} rungs seen`);
  must(report.rungs.every(({ codecs }) => title.rungs.some((rung) => rung.codecs === codecs)), "codecs are not ours");
  must(numbers.size === title.segments, `${numbers.size} of ${title.segments} segments fetched`);
  must(report.ended, `stopped at ${report.currentTime} s of ${title.seconds} s`);
  must(Math.abs(report.duration - title.seconds) < SLACK_S, `lasts ${report.duration} s instead of ${title.seconds} s`);
  must(report.buffered.length === 1, `${report.buffered.length} buffered ranges`);
  const { framesShown } = report.stats;
  must(framesShown >= title.seconds * title.fps * DRAWN, `${framesShown} frames drawn in ${title.seconds} s`);
  const off = picture ? nearest(title.natives, picture) : null;
  must(off, `no picture at ${title.lookAt} s`);
  must(!off || (off.worst <= WORST && off.mean <= MEAN), `the picture is ${off?.worst} off the native player's`);
  must(switched, "no lower rung after the connection got slow");
  must(lines.every(({ status }) => status < 400), "an answer was an error");
  const used = [...new Set(media.map(({ rung }) => rung))].sort((a, b) => a - b);
  const row = {
    player: `${session.player} ${report.version}`,
    manifest: session.kind,
    form: session.form === "segments" ? "segment URLs" : "byte ranges",
    segments: `${numbers.size}/${title.segments}`,
    requests: lines.length,
    "rungs used": used.map((rung) => title.rungs[rung].id).join(" "),
    "rungs in order": media.map(({ rung }) => rung + 1).join(""),
    drawn: `${framesShown}/${Math.round(title.seconds * title.fps)}`,
    "off native": off ? `${off.worst}` : "",
    switched: switched ? "yes" : "no",
    verdict: problems.length ? "FAIL" : "ok",
  };
  return { row, problems };
}
