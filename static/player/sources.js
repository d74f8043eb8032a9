// Lets Media Source Extensions take codecs="prm1…" for the media elements that have an adapter.
//
// A player that nobody changed asks whether the type is supported, makes a source buffer and appends segments.
// It gets the source buffer of a black film, which goes through the browser as any other; our segments are
// kept for the adapter, as long as the buffer holds their time.

import { joined } from "./bytes.js";
import { Carrier, TYPE } from "./carrier.js";
import { Fragments } from "./fragments.js";

const CODEC = /codecs="?\s*prm1\b/;
const ours = (type) => CODEC.test(type ?? "");
/** iOS has only the second. */
const KINDS = [globalThis.MediaSource, globalThis.ManagedMediaSource].filter(Boolean);

/** Adapters by their media elements. */
export const adapters = new Map();
const addresses = new WeakMap();
let installed = false;

/** Puts itself in the way, once for a page. */
export function install() {
  if (installed) return;
  installed = true;
  KINDS.forEach(replaceSource);
  replaceAddresses();
  replaceCapabilities();
}

/** Whether this browser can play the black film. */
export function carries() {
  return KINDS.some((kind) => kind.isTypeSupported(TYPE));
}

function replaceSource(kind) {
  const { isTypeSupported } = kind;
  kind.isTypeSupported = (type) => isTypeSupported.call(kind, adapters.size > 0 && ours(type) ? TYPE : type);
  const { prototype } = kind;
  if (!Object.hasOwn(prototype, "addSourceBuffer")) return;
  const { addSourceBuffer } = prototype;
  prototype.addSourceBuffer = function add(type) {
    const adapter = ours(type) ? adapterOf(this) : null;
    if (!adapter) return addSourceBuffer.call(this, type);
    const buffer = addSourceBuffer.call(this, TYPE);
    adapter.take(new Intake(this, buffer, adapter));
    return buffer;
  };
}

/** Remembers under which address a media element gets a source. */
function replaceAddresses() {
  const { createObjectURL } = URL;
  URL.createObjectURL = (object) => {
    const address = createObjectURL.call(URL, object);
    if (KINDS.some((kind) => object instanceof kind)) addresses.set(object, address);
    return address;
  };
}

function adapterOf(source) {
  const address = addresses.get(source);
  for (const [video, adapter] of adapters) {
    if (video.srcObject === source || (address && [video.src, video.currentSrc].includes(address))) return adapter;
  }
  // A player may have taken `createObjectURL` before it was replaced.
  return adapters.size === 1 && !address ? adapters.values().next().value : null;
}

function replaceCapabilities() {
  const { mediaCapabilities } = navigator;
  if (!mediaCapabilities) return;
  const { decodingInfo } = mediaCapabilities;
  mediaCapabilities.decodingInfo = (asked) => {
    const known = adapters.size > 0 && ours(asked?.video?.contentType);
    const video = known ? { ...asked.video, contentType: TYPE } : asked?.video;
    return decodingInfo.call(mediaCapabilities, known ? { ...asked, video } : asked);
  };
}

/** What a player appends to one source buffer. */
class Intake {
  #fragments = new Fragments();
  #carrier = null;
  #arriving = [];

  constructor(source, buffer, adapter) {
    this.source = source;
    this.buffer = buffer;
    this.adapter = adapter;
    const { appendBuffer, abort, changeType } = buffer;
    buffer.appendBuffer = (data) => {
      // Refused by the browser, as it is busy.
      if (buffer.updating) return appendBuffer.call(buffer, data);
      return appendBuffer.call(buffer, this.#carried(bytesOf(data)));
    };
    buffer.abort = () => {
      this.#fragments.abort();
      return abort.call(buffer);
    };
    if (changeType) buffer.changeType = (type) => changeType.call(buffer, ours(type) ? TYPE : type);
    buffer.addEventListener("updateend", () => this.#settle());
  }

  /** Ends the source as the browser does when a decoder fails; the player hears of it. */
  fail() {
    const end = () => {
      if (this.source.readyState === "open") this.source.endOfStream("decode");
    };
    if (this.buffer.updating) this.buffer.addEventListener("updateend", end, { once: true });
    else end();
  }

  /** The black film in place of `bytes`. */
  #carried(bytes) {
    this.adapter.received(bytes.length);
    try {
      return joined(this.#fragments.push(bytes).map((part) => this.#carry(part)));
    } catch (error) {
      // The browser cannot read it either, and says so to the player.
      queueMicrotask(() => this.adapter.fail(error));
      return bytes;
    }
  }

  #carry({ track, media, start, end }) {
    if (!media) {
      this.#carrier = new Carrier(track);
      return this.#carrier.init();
    }
    this.#arriving.push({ track, media, start, end });
    return this.#carrier.fragment(media);
  }

  /** After an update: what came is placed as the browser placed the film, what the film lost goes. */
  #settle() {
    const { timestampOffset: offset, appendWindowStart, appendWindowEnd } = this.buffer;
    const arrived = this.#arriving.splice(0).map(({ track, media, start, end }) => ({
      track,
      media,
      offset,
      from: Math.max(start + offset, appendWindowStart),
      to: Math.min(end + offset, appendWindowEnd),
    }));
    const attached = Array.from(this.source.sourceBuffers).includes(this.buffer);
    this.adapter.changed(this, arrived, attached ? this.buffer.buffered : { length: 0 });
  }
}

function bytesOf(data) {
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data);
}
