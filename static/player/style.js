// The styles of the element, in its shadow root. A page changes colours by the custom properties of `:host`.

export const sheet = new CSSStyleSheet();

sheet.replaceSync(`
:host {
  --accent: #6cc7ae;
  --panel: rgb(20 21 24 / 0.88);
  --text: #f3f3f0;
  --ratio: 16 / 9;
  display: block;
  position: relative;
  aspect-ratio: var(--ratio);
  overflow: hidden;
  background: #000;
  color: var(--text);
  font: 14px/1.4 system-ui, sans-serif;
  outline-offset: 2px;
  user-select: none;
  -webkit-user-select: none;
}
:host(:focus-visible) { outline: 3px solid var(--accent); }
:host(:fullscreen) { width: 100%; height: 100%; aspect-ratio: auto; }
[hidden] { display: none !important; }

.stage, canvas, .poster { position: absolute; inset: 0; width: 100%; height: 100%; }
canvas, .poster { object-fit: contain; }
.poster:not([src]), .poster[src=""], :host(.shows) .poster { display: none; }

.notice {
  position: absolute; inset: auto 0 50%; margin: 0 auto; width: fit-content; max-width: 90%;
  padding: 0.5rem 0.9rem; border-radius: 0.5rem; background: var(--panel); text-align: center;
  transform: translateY(4.2rem); font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
.notice:empty { display: none; }

:host(.waiting) .stage::after {
  content: ""; position: absolute; inset: 0; margin: auto; width: 3rem; height: 3rem;
  border: 0.3rem solid rgb(255 255 255 / 0.3); border-top-color: var(--text); border-radius: 50%;
  opacity: 0; animation: turn 0.9s linear infinite, appear 0s 0.3s forwards;
}
@keyframes turn { to { transform: rotate(1turn); } }
/* A wait that is over at once does not flash. */
@keyframes appear { to { opacity: 1; } }

button, select {
  min-width: 2.25rem; height: 2.25rem; padding: 0 0.4rem; border: 0; border-radius: 0.4rem;
  background: transparent; color: inherit; font: inherit; cursor: pointer; text-overflow: ellipsis;
}
button:hover, select:hover { background: rgb(255 255 255 / 0.16); }
button:focus-visible, select:focus-visible, input:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
button svg { display: block; width: 1.4rem; height: 1.4rem; margin: auto; fill: currentColor; }
option { background: #1f2125; color: var(--text); }
.letter { font-weight: 700; }

.big {
  position: absolute; inset: 0; width: 4.5rem; height: 4.5rem; margin: auto; border-radius: 50%;
  background: var(--panel);
}
.big:hover { background: #2d5a4f; }
.big svg { width: 2.4rem; height: 2.4rem; }
:host(.playing) .big, :host(.failed) .big, :host(.waiting) .big { display: none; }

.bar {
  position: absolute; inset: auto 0 0; padding: 1.6rem 0.6rem 0.35rem;
  background: linear-gradient(transparent, rgb(0 0 0 / 0.82));
  transition: opacity 0.2s;
}
:host(.idle.playing:not(:focus-within)) .bar { opacity: 0; }
:host(.idle.playing) { cursor: none; }
.row { display: flex; align-items: center; gap: 0.15rem; }
.time { padding: 0 0.4rem; font-variant-numeric: tabular-nums; white-space: nowrap; }
.space { flex: 1; }
select { max-width: 11rem; }

.seek { position: relative; }
.seek input {
  display: block; width: 100%; height: 1.25rem; margin: 0; background: none; cursor: pointer;
  appearance: none; -webkit-appearance: none;
}
.seek input::-webkit-slider-runnable-track { height: 0.3rem; border-radius: 0.15rem; background: var(--track); }
.seek input::-moz-range-track { height: 0.3rem; border-radius: 0.15rem; background: var(--track); }
.seek input::-webkit-slider-thumb {
  width: 0.95rem; height: 0.95rem; margin-top: -0.325rem; border-radius: 50%; background: var(--accent);
  -webkit-appearance: none;
}
.seek input::-moz-range-thumb { width: 0.95rem; height: 0.95rem; border: 0; border-radius: 50%; background: var(--accent); }
.tip {
  position: absolute; bottom: 1.5rem; left: clamp(5rem, var(--at), 100% - 5rem); transform: translateX(-50%);
  display: grid; justify-items: center; gap: 0.2rem; padding: 0.25rem 0.4rem;
  border-radius: 0.3rem; background: var(--panel); font-variant-numeric: tabular-nums; pointer-events: none;
}
.tip canvas { position: static; width: auto; height: auto; border-radius: 0.2rem; }

.panel {
  position: absolute; z-index: 1; inset: 0.6rem auto auto 0.6rem; max-width: calc(100% - 1.2rem);
  max-height: calc(100% - 5.5rem); overflow: auto; margin: 0; padding: 0.6rem 0.9rem; border: 0;
  border-radius: 0.5rem; background: var(--panel); color: inherit; font-size: 0.82rem;
}
.panel dl { display: grid; grid-template-columns: auto auto; gap: 0.1rem 0.9rem; margin: 0; }
.panel dt { color: #b9bcc2; }
.panel dd { margin: 0; font-variant-numeric: tabular-nums; text-align: right; }
.help dd { text-align: left; }
.help dt { color: inherit; font-family: ui-monospace, monospace; }
.toast {
  position: absolute; inset: 0.8rem 0 auto; margin: 0 auto; width: fit-content; padding: 0.3rem 0.8rem;
  border-radius: 0.4rem; background: var(--panel);
}
.toast:empty { display: none; }

@container (max-width: 26rem) { .wide { display: none; } select { max-width: 9rem; } }
:host { container-type: inline-size; }
@media (pointer: coarse) { button, select { min-width: 2.75rem; height: 2.75rem; } .seek input { height: 1.8rem; } }
@media (prefers-reduced-motion: reduce) {
  .bar { transition: none; }
  :host(.waiting) .stage::after { animation-duration: 4s, 0s; }
}
@media (forced-colors: active) { button, select { border: 1px solid ButtonText; } }
`);
