// Plays a title with every player from every manifest that it reads, and judges by the origin's access log.
//
//   node driver/main.mjs PROMPTUS CHROMIUM LIBRARIES [--smoke] [--only=PLAYER/KIND/FORM] [ROOT]

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { judge } from "./judge.mjs";
import { frame, generate } from "./native.mjs";
import { Origin } from "./origin.mjs";
import { servePages } from "./pages.mjs";
import { play } from "./session.mjs";
import { table } from "./table.mjs";
import { Title } from "./title.mjs";

const READS = { "hls.js": ["HLS"], "dash.js": ["DASH"], Shaka: ["HLS", "DASH"] };
const FORMS = ["ranges", "segments"];
/// The one session of the quick check.
const SMOKE = { player: "hls.js", kind: "HLS", form: "segments" };
/// Sessions at the same time.
const AT_ONCE = 3;
/// How long a busy machine may take to start the browser, in milliseconds.
const START_MS = 120_000;

function name({ player, kind, form }) {
  return `${player}/${kind}/${form}`;
}

function sessions({ smoke, only }) {
  const all = Object.entries(READS).flatMap(([player, kinds]) =>
    kinds.flatMap((kind) => FORMS.map((form) => ({ player, kind, form }))));
  return (smoke ? [SMOKE] : all).map((session) => ({ ...session, name: name(session) })).filter(({ name }) => name.startsWith(only));
}

/// Runs everything with at most AT_ONCE under way.
async function pool(tasks) {
  const waiting = tasks.entries();
  const results = [];
  const worker = async () => {
    for (const [at, task] of waiting) results[at] = await task();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return results;
}

/// Starts all that a check needs, one after the other; `used` gets what ends each.
async function start([program, chromium, libraries, ...rest], used) {
  const library = pathToFileURL(join(libraries, "puppeteer-core/lib/esm/puppeteer/puppeteer-core.js"));
  const { default: puppeteer } = await import(library);
  const folder = mkdtempSync(join(tmpdir(), "promptus-browsers-"));
  used.push(() => rmSync(folder, { recursive: true, force: true }));
  const origin = await Origin.start(program, rest.find((word) => !word.startsWith("--")), folder);
  used.push(() => origin.stop());
  const pages = await servePages(new URL("../pages/", import.meta.url).pathname, libraries, origin.url.origin);
  used.push(() => pages.close());
  const args = ["--no-sandbox", "--disable-dev-shm-usage"];
  const browser = await puppeteer.launch({ executablePath: chromium, headless: true, args, timeout: START_MS });
  used.push(() => browser.close());
  const only = rest.find((word) => word.startsWith("--only="))?.slice("--only=".length) ?? "";
  return { program, folder, origin, pages, browser, asked: { smoke: rest.includes("--smoke"), only } };
}

async function main(words) {
  const used = [];
  try {
    return await check(await start(words, used));
  } finally {
    for (const end of used.reverse()) await end();
  }
}

/// The native player's picture of the frame that is compared, by rung.
function natives(title, { program, folder, origin }) {
  const manifest = title.url(origin.url, "HLS", "ranges");
  return title.rungs.map((_, rung) =>
    frame(generate(program, manifest, rung, title.lookAt, join(folder, `rung-${rung}`)), 0));
}

async function check({ program, folder, origin, pages, browser, asked }) {
  const [entry] = (await origin.json("catalogue.json")).titles;
  const title = await Title.read(origin, entry);
  title.natives = natives(title, { program, folder, origin });
  const planned = sessions(asked);
  const results = await pool(planned.map((session) => () => play({ browser, pages, origin }, title, session)));
  const log = await origin.lines();
  const judged = planned.map((session, at) =>
    judge(title, session, results[at], log.filter((line) => line.user_agent === session.name)));
  console.log(`${entry.name}: ${title.segments} segments, ${title.rungs.length} rungs, ${title.seconds} s; ${await browser.version()}`);
  console.log(table(judged.map(({ row }) => row)));
  judged.forEach(({ problems }, at) => problems.forEach((problem) => console.log(`${planned[at].name}: ${problem}`)));
  return judged.every(({ problems }) => problems.length === 0);
}

const good = await main(process.argv.slice(2)).catch((error) => console.error(error));
process.exitCode = good ? 0 : 1;
