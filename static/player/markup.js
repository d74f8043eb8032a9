// Elements and texts of the controls.

const ICONS = {
  play: "M8 5v14l11-7z",
  pause: "M6 5h4v14H6zM14 5h4v14h-4z",
  full: "M4 4h6v2H6v4H4zM14 4h6v6h-2V6h-4zM4 14h2v4h4v2H4zM18 14h2v6h-6v-2h4z",
  small: "M8 4h2v6H4V8h4zM14 4h2v4h4v2h-6zM4 14h6v6H8v-4H4zM14 14h6v2h-4v4h-2z",
};
const SVG = "http://www.w3.org/2000/svg";

export function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "role") element.setAttribute(name, value);
    else if (name.startsWith("aria")) element.setAttribute(`aria-${name.slice(4).toLowerCase()}`, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon or a text; `show(icon, label)` changes both. */
export function button(name, label, act, text) {
  const element = make("button", { type: "button", title: label });
  element.show = (next, title) => {
    if (element.dataset.icon === next && element.title === title) return;
    element.dataset.icon = next;
    element.title = title;
    element.setAttribute("aria-label", title);
    element.replaceChildren(icon(next));
  };
  if (name) element.show(name, label);
  else {
    element.setAttribute("aria-label", label);
    element.append(make("span", { className: "letter" }, text));
  }
  element.addEventListener("click", (event) => {
    event.stopPropagation();
    act();
  });
  return element;
}

/** Minutes and seconds, with hours where there are any. */
export function time(seconds) {
  const whole = Math.floor(Math.max(0, seconds) || 0);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (part) => String(part).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}
