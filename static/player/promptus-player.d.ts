// The public interface of the element.

export interface Rung {
  /** Average rate, kbit/s. */
  kbps: number;
  width: number;
  height: number;
  /** Components of its prompts. */
  rank: number;
}

export interface Stats {
  framesShown: number;
  /** Frames that were not shown, or not even generated, as the next one was due. */
  framesDropped: number;
  /** Frames that wait to be shown. */
  framesAhead: number;
  /** Rung on the screen, counted from 0, the lowest. */
  rung: number | null;
  rule: string;
  bufferSeconds: number;
  throughputKbps: number | null;
  /** Mean over the last 48 frames. */
  generateMsPerFrame: number | null;
  /** Bytes of everything fetched for this title, weights included. */
  bytes: number;
  /** SHA-256 of the generator's weights. */
  weights: string | null;
  /** Name of the generator's profile. */
  profile: string | null;
  waiting: boolean;
}

export interface ShownFrame {
  /** Position in its segment. */
  index: number;
  segment: number;
  /** Media time, seconds. */
  time_s: number;
  rung: number;
  keyframe: boolean;
}

/** A row of a network trace, from `time_s` on. */
export interface TraceRow {
  time_s: number;
  kbps: number;
  latency_ms: number;
}

export interface PlayedRanges {
  readonly length: number;
  start(index: number): number;
  end(index: number): number;
}

/**
 * Attributes: `src`, `controls`, `poster`, `autoplay`, `loop`, `start` (seconds), `rule`, `buffer` (seconds),
 * `workers` (generators at work, 1 or 2 by default), `cmcd` (`header`, `query` or `off`: CTA-5004), `module`
 * (address of promptus.wasm).
 *
 * Events: `loadstart`, `progress`, `loadedmetadata`, `durationchange`, `loadeddata`, `canplay`, `play`, `playing`,
 * `waiting`, `pause`, `timeupdate`, `seeking`, `seeked`, `ratechange`, `volumechange`, `ended`, `error`, and
 * `rungchange` (the rung on the screen, in `detail.rung`), `rungselect`, `rulechange`, `framechange`, `previewchange`.
 */
export class PromptusPlayer extends HTMLElement {
  src: string;
  poster: string;
  controls: boolean;
  autoplay: boolean;
  loop: boolean;
  /** Seconds of media time; setting it seeks. */
  currentTime: number;
  playbackRate: number;
  volume: number;
  muted: boolean;
  /** The fixed rung, counted from 0, the lowest; null lets the rule choose. */
  rung: number | null;
  /** Name of the adaptation rule. */
  rule: string;
  /** Slows all further transfers down; null for the line as it is. */
  trace: TraceRow[] | null;
  /** A player whose position this one follows, to show the same moment at another rung. */
  leader: PromptusPlayer | null;
  readonly duration: number;
  readonly paused: boolean;
  readonly ended: boolean;
  readonly seeking: boolean;
  readonly readyState: number;
  readonly error: { code: number; message: string } | null;
  readonly buffered: PlayedRanges;
  readonly videoWidth: number;
  readonly videoHeight: number;
  readonly rungs: Rung[];
  readonly stats: Stats;
  readonly shownFrame: ShownFrame | null;
  readonly canvas: HTMLCanvasElement;
  play(): Promise<void>;
  pause(): void;
  load(): void;
  /** A small picture of the title at this time, in seconds; null until it is made (event `previewchange`). */
  preview(time_s: number): ImageBitmap | null;
  /** Pauses and moves by this number of frames. */
  step(frames: number): void;
  /** The session's report, as `promptus play --json` prints it. */
  report(): Promise<unknown>;
}

declare global {
  interface HTMLElementTagNameMap {
    "promptus-player": PromptusPlayer;
  }
}
