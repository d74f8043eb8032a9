// Fills the catalogue page from catalogue.json and keeps it up to date.

const REFRESH_MS = 5000;

const place = document.querySelector("#titles");
const summary = document.querySelector("#summary");

function copyOf(id) {
  return document.querySelector(`#${id}`).content.firstElementChild.cloneNode(true);
}

function duration(seconds) {
  const whole = Math.round(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [h, m, s] = parts.map((part) => String(part).padStart(2, "0"));
  return h === "00" ? `${m}:${s}` : `${h}:${m}:${s}`;
}

function rate(fraction) {
  const [num, den = 1] = fraction.split("/").map(Number);
  return `${Number((num / den).toFixed(3))} fps`;
}

function kbps(value) {
  return value < 10 ? value.toFixed(1) : String(Math.round(value));
}

function cell(content) {
  const td = document.createElement("td");
  td.append(content);
  return td;
}

function rungRow(rung, most) {
  const meter = document.createElement("meter");
  meter.max = most;
  meter.value = rung.kbps;
  meter.title = `${rung.kbps.toFixed(3)} kbit/s of ${most.toFixed(3)}`;
  const row = document.createElement("tr");
  row.append(...[rung.id, String(rung.rank), kbps(rung.kbps), kbps(rung.peak_kbps), meter].map(cell));
  return row;
}

function profileTable(profile) {
  const table = copyOf("profile");
  const most = Math.max(...profile.rungs.map((rung) => rung.kbps));
  const known = /[^0]/.test(profile.weights);
  const weights = known ? `weights ${profile.weights.slice(0, 12)}…` : "weights not stated";
  table.caption.textContent = `generator ${profile.name}, ${weights}`;
  table.caption.title = known ? profile.weights : "";
  table.tBodies[0].append(...profile.rungs.map((rung) => rungRow(rung, most)));
  return table;
}

async function copy(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select it";
  }
  setTimeout(() => { button.textContent = "Copy"; }, 1500);
}

function line(label, text, href) {
  const row = copyOf("url");
  row.querySelector("dt").textContent = label;
  const shown = href ? row.querySelector("a") : document.createElement("code");
  if (!href) row.querySelector("a").replaceWith(shown);
  shown.textContent = text;
  shown.title = text;
  if (href) shown.href = href;
  row.querySelector("button").addEventListener("click", (event) => copy(event.target, text));
  return row;
}

function titleCard(title) {
  const card = copyOf("title");
  const absolute = (path) => new URL(path, document.baseURI).href;
  const urls = [
    ["HLS", title.hls],
    ["DASH", title.dash],
    ["HLS, segments", title.hls_segments],
    ["DASH, segments", title.dash_segments],
  ];
  const { width, height } = title.profiles[0];
  const picture = card.querySelector(".picture");
  picture.style.aspectRatio = `${width} / ${height}`;
  picture.href = absolute(`watch/${title.hls.split("/")[0]}`);
  picture.setAttribute("aria-label", `Play ${title.name}`);
  if (title.poster) card.querySelector(".poster").src = absolute(title.poster);
  card.querySelector("h2").textContent = title.name;
  const sizes = title.profiles.map((p) => `${p.width}×${p.height}, ${rate(p.frame_rate)}`);
  card.querySelector(".facts").textContent = [duration(title.duration_s), ...new Set(sizes)].join(" · ");
  card.querySelector(".profiles").append(...title.profiles.map(profileTable));
  card.querySelector(".urls").append(
    ...urls.map(([label, path]) => line(label, absolute(path), absolute(path))),
    line("play", `promptus play ${absolute(title.hls)} --out frames`),
  );
  return card;
}

function problemCard(problem) {
  const card = document.createElement("article");
  const heading = document.createElement("h2");
  const text = document.createElement("p");
  card.className = "title problem";
  heading.textContent = `${problem.name} is not served`;
  text.textContent = problem.error;
  card.append(heading, text);
  return card;
}

function show({ titles, problems }) {
  const count = titles.length === 1 ? "1 title" : `${titles.length} titles`;
  summary.textContent = titles.length ? count : "No titles yet; they appear here when they are published.";
  place.replaceChildren(...problems.map(problemCard), ...titles.map(titleCard));
}

let shown = "";

async function refresh() {
  try {
    const response = await fetch("catalogue.json");
    if (!response.ok) throw new Error(await response.text());
    const text = await response.text();
    if (text !== shown) show(JSON.parse(text));
    shown = text;
  } catch (error) {
    summary.textContent = `The catalogue cannot be read: ${error.message}`;
    shown = "";
  }
  setTimeout(refresh, REFRESH_MS);
}

refresh();
