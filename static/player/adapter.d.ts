// The interface of the adapter for hls.js, dash.js and Shaka Player.

export interface AdapterOptions {
  /**
   * Address of the generator's weights with this SHA-256. Without it they are those of the origin that this file
   * comes from: `promptus serve` has both.
   */
  weights?: (sha256: string) => string | URL | Promise<string | URL>;
}

export interface AdapterStats {
  framesShown: number;
  /** Frames that were generated and not shown, as the next one was due. */
  framesDropped: number;
  /** Frames that wait to be shown. */
  framesAhead: number;
  /** Segments that the player has buffered. */
  fragments: number;
  /** Bytes of all segments that the player has appended. */
  bytes: number;
  /** Mean over the last 48 frames. */
  generateMsPerFrame: number | null;
  /** SHA-256 of the generator's weights. */
  weights: string | null;
  /** Whether the clock is held until frames are there. */
  waiting: boolean;
}

/** Events: `framechange`, and `error` with an `Error` in `detail`; the player hears of a failed decoder. */
export interface Adapter extends EventTarget {
  readonly stats: AdapterStats;
  /** Media time in seconds, number of the rung in the order of first use, and kind of the frame on the canvas. */
  readonly shownFrame: { time_s: number; rung: number; keyframe: boolean } | null;
  readonly canvas: HTMLCanvasElement;
  readonly error: Error | null;
  /** Gives the element its own picture back and ends the workers. */
  detach(): void;
}

/**
 * Shows titles of Promptus in a media element; to be called before the player is made. Throws if the browser
 * lacks what is needed.
 */
export function attach(video: HTMLVideoElement, options?: AdapterOptions): Adapter;
