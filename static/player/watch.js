// The watch page: one title in the player, the session's figures live, and a network to try it on.

import { parseTrace } from "./link.js";
import { Compare } from "./compare.js";
import { Live } from "./live.js";
import { NETWORKS, RULES } from "./choices.js";
import "./promptus-player.js";

const find = (selector) => document.querySelector(selector);
const query = new URLSearchParams(location.search);
/** The path of the title, as the address has it: percent-encoded. */
const path = location.pathname.split("/").filter(Boolean).at(-1);
const title = decodeURIComponent(path);
const base = new URL(`../${path}/`, location.href);

/** Rows of a network's trace, or null for the line as it is. */
async function rows(name) {
  const network = NETWORKS.find(({ id }) => id === name);
  if (network?.trace) return parseTrace(await (await fetch(new URL(network.trace, import.meta.url))).text());
  return network?.kbps ? [{ time_s: 0, kbps: network.kbps, latency_ms: 40 }] : null;
}

function options(select, list, chosen) {
  select.append(...list.map(({ id, label }) => new Option(label, id)));
  select.value = list.some(({ id }) => id === chosen) ? chosen : list[0].id;
}

/** The address of this page with the title's current position and choices. */
function permalink(player) {
  const words = new URLSearchParams();
  words.set("t", player.currentTime.toFixed(1));
  if (player.rung !== null) words.set("rung", String(player.rung));
  if (find("#rule").value !== RULES[0].id) words.set("rule", find("#rule").value);
  if (find("#second").value) words.set("second", find("#second").value);
  if (find("#network").value !== NETWORKS[0].id) words.set("network", find("#network").value);
  return new URL(`?${words}`, location.href).href;
}

async function copy(player) {
  const button = find("#copy");
  const address = permalink(player);
  history.replaceState(null, "", address);
  try {
    await navigator.clipboard.writeText(address);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The address bar has it";
  }
  setTimeout(() => { button.textContent = "Copy link at this time"; }, 1800);
}

/** The menu of what can be shown beside the rung that plays: the original, if it is at hand, and every rung. */
function compares(player) {
  const original = find("meta[name=original]").content;
  const compare = new Compare(player, find(".screen"), new URL(original, base).href);
  const second = find("#second");
  const rungs = player.rungs.map(({ kbps, rank }, at) => ({ id: String(at), label: `rank ${rank}, ${kbps.toFixed(1)} kbit/s` }));
  const originals = original ? [{ id: "original", label: "the original" }] : [];
  options(second, [{ id: "", label: "nothing" }, ...originals, ...rungs], query.get("second") ?? "");
  const show = () => {
    const { value } = second;
    compare.show(value === "" ? null : value === "original" ? value : Number(value));
  };
  second.addEventListener("change", show);
  show();
}

async function start() {
  // A token opens one title, not the catalogue.
  find(".back").hidden = /\/t\/[0-9]+\.[0-9a-f]+\/watch\//.test(location.pathname);
  document.title = title;
  find("h1").textContent = title;
  options(find("#rule"), RULES, query.get("rule"));
  options(find("#network"), NETWORKS, query.get("network"));
  const player = document.createElement("promptus-player");
  player.setAttribute("aria-label", title);
  player.setAttribute("controls", "");
  player.setAttribute("poster", new URL("poster.jpg", base).href);
  player.setAttribute("rule", find("#rule").value);
  if (Number(query.get("t")) > 0) player.setAttribute("start", query.get("t"));
  if (query.has("rung")) player.rung = Number(query.get("rung"));
  player.trace = await rows(find("#network").value);
  player.src = new URL("master.m3u8", base).href;
  find(".screen").append(player);
  find("#rule").addEventListener("change", (event) => { player.rule = event.target.value; });
  find("#network").addEventListener("change", async (event) => { player.trace = await rows(event.target.value); });
  find("#copy").addEventListener("click", () => void copy(player));
  player.addEventListener("loadedmetadata", () => compares(player), { once: true });
  const live = new Live(player, find(".figures"), find(".chart"));
  // Charts take the thread for a moment, which the first picture should not wait for.
  player.addEventListener("loadeddata", () => void live.run(), { once: true });
}

await start();
