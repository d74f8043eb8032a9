// How each player is started: its own build, with settings that its documentation names. Buffers are kept
// short so that there is something left to switch; thresholds are for segments of a few kilobytes.

const BUFFER_S = 6;

function script(src) {
  return new Promise((resolve, reject) => {
    const element = Object.assign(document.createElement("script"), { src, onload: resolve });
    element.onerror = () => reject(new Error(`${src} cannot be loaded`));
    document.head.append(element);
  });
}

async function hlsjs(video, manifest, said) {
  await script("/lib/hls.js/dist/hls.min.js");
  const hls = new Hls({ maxBufferLength: BUFFER_S, maxMaxBufferLength: BUFFER_S });
  hls.on(Hls.Events.ERROR, (_, { fatal, details }) => {
    if (fatal || details.includes("append")) said.errors.push(details);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, (_, { levels }) => {
    said.rungs = levels.map(({ bitrate, attrs }) => ({ bitrate, codecs: attrs.CODECS }));
  });
  hls.loadSource(manifest);
  hls.attachMedia(video);
  said.version = Hls.version;
}

async function dashjs_(video, manifest, said) {
  await script("/lib/dashjs/dist/legacy/umd/dash.all.min.js");
  const player = dashjs.MediaPlayer().create();
  player.updateSettings({
    debug: { logLevel: dashjs.Debug.LOG_LEVEL_NONE },
    streaming: {
      // It takes the first timing of a URL for that of every later range of the same file.
      abr: { throughput: { useResourceTimingApi: false } },
      buffer: { bufferTimeDefault: BUFFER_S, bufferTimeAtTopQuality: BUFFER_S, bufferTimeAtTopQualityLongForm: BUFFER_S },
    },
  });
  player.on(dashjs.MediaPlayer.events.ERROR, ({ error }) => said.errors.push(`${error.code} ${error.message}`));
  player.on(dashjs.MediaPlayer.events.STREAM_INITIALIZED, () => {
    const rungs = player.getRepresentationsByType("video");
    said.rungs = rungs.map(({ bandwidth, codecs }) => ({ bitrate: bandwidth, codecs }));
  });
  player.initialize(video, manifest, false);
  said.version = player.getVersion();
}

async function shaka_(video, manifest, said) {
  await script("/lib/shaka-player/dist/shaka-player.compiled.js");
  const player = new shaka.Player();
  await player.attach(video);
  player.addEventListener("error", ({ detail }) => said.errors.push(`${detail.code} ${detail.message}`));
  player.configure({
    streaming: { bufferingGoal: BUFFER_S, rebufferingGoal: 1 },
    abr: { switchInterval: 2, advanced: { minTotalBytes: 4000, minBytes: 1000 } },
  });
  await player.load(manifest);
  const tracks = player.getVariantTracks();
  said.rungs = tracks.map(({ bandwidth, codecs }) => ({ bitrate: bandwidth, codecs }));
  said.version = shaka.Player.version;
}

export const players = { "hls.js": hlsjs, "dash.js": dashjs_, Shaka: shaka_ };
