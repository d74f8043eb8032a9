// The keys of the player, as viewers know them from other players.

export const KEYS = [
  ["space, k", "play or pause"],
  ["← →", "5 s back or forward"],
  ["j l", "10 s back or forward"],
  [", .", "a frame back or forward"],
  ["0 … 9", "to a tenth of the title"],
  ["Home End", "to the start or the end"],
  ["↑ ↓, m", "volume, mute"],
  ["[ ], a", "lower or higher rung, automatic"],
  ["< >", "slower or faster"],
  ["f", "full screen"],
  ["i", "statistics"],
  ["?", "this list"],
];

const RATES = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2];

function seek(player, by) {
  player.currentTime += by;
}

function rung(player, controls, step) {
  const last = player.rungs.length - 1;
  if (last < 0) return;
  const from = player.rung ?? player.stats.rung ?? 0;
  player.rung = Math.min(Math.max(from + step, 0), last);
  const { rank, kbps } = player.rungs[player.rung];
  controls.say(`Rank ${rank}, ${kbps.toFixed(1)} kbit/s`);
}

function speed(player, controls, step) {
  const at = RATES.findLastIndex((rate) => rate <= player.playbackRate);
  player.playbackRate = RATES[Math.min(Math.max(at + step, 0), RATES.length - 1)];
  controls.say(`${player.playbackRate}×`);
}

function volume(player, controls, by) {
  player.volume += by;
  controls.say(`Volume ${Math.round(player.volume * 100)} %`);
}

const ACTIONS = {
  " ": (player, controls) => controls.toggle(),
  k: (player, controls) => controls.toggle(),
  j: (player) => seek(player, -10),
  l: (player) => seek(player, 10),
  ArrowLeft: (player) => seek(player, -5),
  ArrowRight: (player) => seek(player, 5),
  ",": (player) => player.step(-1),
  ".": (player) => player.step(1),
  Home: (player) => { player.currentTime = 0; },
  End: (player) => { player.currentTime = player.duration; },
  ArrowUp: (player, controls) => volume(player, controls, 0.05),
  ArrowDown: (player, controls) => volume(player, controls, -0.05),
  m: (player, controls) => {
    player.muted = !player.muted;
    controls.say(player.muted ? "Muted" : "Not muted");
  },
  "[": (player, controls) => rung(player, controls, -1),
  "]": (player, controls) => rung(player, controls, 1),
  a: (player, controls) => {
    player.rung = null;
    controls.say("Automatic rung");
  },
  "<": (player, controls) => speed(player, controls, -1),
  ">": (player, controls) => speed(player, controls, 1),
  f: (player, controls) => controls.fullscreen(),
  i: (player, controls) => controls.statistics(),
  "?": (player, controls) => controls.help(),
};

/** Acts on a key, unless a part of the bar uses it itself. */
export function handle(event, player, controls) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
  const { key } = event;
  const [target] = event.composedPath();
  if (key === "Escape") {
    if (controls.escape()) event.preventDefault();
    return;
  }
  if (target.tagName === "SELECT") return;
  if (target.tagName === "BUTTON" && (key === " " || key === "Enter")) return;
  if (target.tagName === "INPUT" && /^(Arrow|Home|End)/.test(key)) return;
  const act = /^[0-9]$/.test(key)
    ? () => { player.currentTime = (player.duration * Number(key)) / 10; }
    : ACTIONS[key];
  if (!act) return;
  event.preventDefault();
  act(player, controls);
}
