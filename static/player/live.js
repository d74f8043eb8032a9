// Live figures of a session: the last minute as charts with one time axis, and the numbers beside them.

const EVERY_MS = 250;
const WINDOW_S = 60;
const LIGHT = { throughput: "#2b62c4", rung: "#1f6f5c", buffer: "#a8720a", generation: "#8a3fa8", stall: "rgb(194 69 45 / 0.25)" };
const DARK = { throughput: "#82aaff", rung: "#6cc7ae", buffer: "#f0be5a", generation: "#cf94ea", stall: "rgb(255 139 112 / 0.3)" };
const HEIGHT = 150;
/** Time for the page between two steps of what is built while the title plays, in milliseconds. */
const PAUSE_MS = 50;
const PLOTS = new URL("./uplot.min.js", import.meta.url);
/** Columns, what they show, and on which axis. */
const CHARTS = [
  { at: [1, 2], shows: ["throughput", "rung"], label: "kbit/s", log: true },
  { at: [3], shows: ["buffer"], label: "buffer, s" },
  { at: [4], shows: ["generation"], label: "ms a frame" },
];

const scheme = matchMedia("(prefers-color-scheme: dark)");

export class Live {
  #player;
  #figures;
  #place;
  #plots = [];
  /** Seconds, kbit/s measured, kbit/s of the rung, seconds buffered, ms a frame, waiting. */
  #columns = [[], [], [], [], [], []];
  #began = performance.now();

  constructor(player, figures, place) {
    this.#player = player;
    this.#figures = figures;
    this.#place = place;
  }

  /** Begins, in small steps: the first pictures want the same thread. */
  async run() {
    setInterval(() => this.#sample(), EVERY_MS);
    await pause();
    // The browser's first formatter takes longer than the rest of the library, which begins with one.
    new Intl.NumberFormat(navigator.language);
    await pause();
    await loaded(PLOTS);
    for (const chart of CHARTS) {
      await pause();
      this.#plots.push(this.#plot(chart));
    }
    scheme.addEventListener("change", () => this.#recolour());
    new ResizeObserver(() => this.#resize()).observe(this.#place);
  }

  #sample() {
    if (document.hidden) return;
    const { throughputKbps, rung, bufferSeconds, generateMsPerFrame, waiting } = this.#player.stats;
    const kbps = this.#player.rungs[rung]?.kbps ?? null;
    const seconds = (performance.now() - this.#began) / 1000;
    const row = [seconds, throughputKbps, kbps, bufferSeconds, generateMsPerFrame, waiting && !this.#player.paused ? 1 : 0];
    this.#columns.forEach((column, at) => {
      column.push(row[at]);
      if (column.length > (WINDOW_S * 1000) / EVERY_MS) column.shift();
    });
    for (const { plot, chart } of this.#plots) plot.setData([this.#columns[0], ...chart.at.map((index) => this.#columns[index])]);
    this.#write();
  }

  #write() {
    const { framesShown, framesDropped, throughputKbps, bufferSeconds, generateMsPerFrame, bytes, rung } = this.#player.stats;
    const number = (value, digits, unit) => (value === null ? "–" : `${rounded(value, digits)} ${unit}`);
    const now = this.#player.rungs[rung];
    const colours = scheme.matches ? DARK : LIGHT;
    this.#figures.replaceChildren(...[
      ["throughput", number(throughputKbps, 1, "kbit/s"), colours.throughput],
      ["rung", now ? `${now.kbps.toFixed(1)} kbit/s, rank ${now.rank}` : "–", colours.rung],
      ["buffer", number(bufferSeconds, 1, "s"), colours.buffer],
      ["generation", number(generateMsPerFrame, 1, "ms a frame"), colours.generation],
      ["segment, frame", shown(this.#player.shownFrame)],
      ["frames shown, dropped", `${framesShown}, ${framesDropped}`],
      ["fetched", `${(bytes / 1000).toFixed(0)} kB`],
    ].flatMap(([name, value, colour]) => entry(name, value, colour)));
  }

  #recolour() {
    for (const { plot } of this.#plots) plot.destroy();
    this.#plots = CHARTS.map((chart) => this.#plot(chart));
  }

  #plot(chart) {
    const { shows, label, log } = chart;
    const colours = scheme.matches ? DARK : LIGHT;
    const style = getComputedStyle(document.documentElement);
    const [quiet, line] = ["--quiet", "--line"].map((name) => style.getPropertyValue(name));
    const font = "12px system-ui, sans-serif";
    const axis = { stroke: quiet, font, labelFont: font, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
    const options = {
      width: this.#place.clientWidth || 300,
      height: HEIGHT,
      cursor: { show: false },
      legend: { show: false },
      scales: {
        x: { time: false, range: (_, min, max) => [Math.max(0, (max ?? 0) - WINDOW_S), Math.max(max ?? 0, 10)] },
        y: log
          ? { distr: 3, log: 10, range: (_, min, max) => [Math.min(1, min || 1), Math.max(100, max || 100)] }
          : { range: (_, min, max) => [0, Math.max(1, (max || 0) * 1.15)] },
      },
      axes: [
        { ...axis, size: 28 },
        { ...axis, label, size: 52, labelSize: 18, ...(log ? { splits: decades, filter: (_, splits) => splits } : {}) },
      ],
      series: [{}, ...shows.map((name) => ({
        label: name, stroke: colours[name], width: 2, points: { show: false }, ...(name === "rung" ? { paths: uPlot.paths.stepped({ align: 1 }) } : {}),
      }))],
      hooks: { drawAxes: [(plot) => this.#stalls(plot, colours.stall)] },
    };
    return { chart, plot: new uPlot(options, [[], ...shows.map(() => [])], this.#place) };
  }

  /** Shades the times at which playback waited. */
  #stalls(plot, colour) {
    const [times, waiting] = [this.#columns[0], this.#columns[5]];
    const { left, top, width, height } = plot.bbox;
    plot.ctx.fillStyle = colour;
    waiting.forEach((waits, at) => {
      if (!waits) return;
      const from = Math.max(left, plot.valToPos(times[at] - EVERY_MS / 1000, "x", true));
      const to = Math.min(left + width, plot.valToPos(times[at], "x", true));
      if (to > from) plot.ctx.fillRect(from, top, to - from, height);
    });
  }

  #resize() {
    const width = this.#place.clientWidth;
    for (const { plot } of this.#plots) if (plot.width !== width && width > 0) plot.setSize({ width, height: HEIGHT });
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/** Runs a script that is no module. */
function loaded({ href }) {
  const script = document.createElement("script");
  script.src = href;
  return new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${href} cannot be loaded`));
    document.head.append(script);
  });
}

/** Which frame it is, and how it came about. */
function shown(frame) {
  if (!frame) return "–";
  return `${frame.segment}, ${frame.index}${frame.keyframe ? ", keyframe" : ""}`;
}

/** A number with separators of thousands, and with fewer digits where it is large. */
function rounded(value, digits) {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 1000 ? digits : 0, minimumFractionDigits: value < 1000 ? digits : 0 });
}

/** The powers of ten on a logarithmic scale. */
function decades(plot) {
  const { min, max } = plot.scales.y;
  const [from, to] = [min, max].map((edge) => Math.log10(edge));
  const first = Math.ceil(from - 1e-9);
  return Array.from({ length: Math.max(0, Math.floor(to + 1e-9) - first + 1) }, (_, at) => 10 ** (first + at));
}

function entry(name, value, colour) {
  const [term, text] = [document.createElement("dt"), document.createElement("dd")];
  if (colour) {
    const swatch = document.createElement("span");
    swatch.className = "swatch";
    swatch.style.background = colour;
    term.append(swatch);
  }
  term.append(name);
  text.textContent = value;
  return [term, text];
}
