// The player page: HLS with fragmented MP4, appended to a MediaSource. Where the browser has no MediaSource (older iPhones),
// it plays HLS by itself.
//
// Every two seconds or so a new segment is listed. It is fetched, appended, and what was watched is thrown away. Whoever is too
// far behind is brought back to the present; holes in time are jumped over.
'use strict';

const $ = (id) => document.getElementById(id);
const video = $('video');
const base = location.pathname.replace(/\/+$/, '');
const BEHIND = 10;      // seconds behind the newest picture, from which on we jump
const CATCH_UP = 4;     // seconds behind, from which on we play a little faster
const START = 2;        // seconds behind the newest picture, where we begin
const KEEP = 15;        // seconds of the past that stay in memory

// On the badge.
const LABELS = { live: 'LIVE', lost: 'LOST', waiting: 'WAITING', ended: 'ENDED', loading: '…' };

const WORDS = {
  loading: ['One moment …', ''],
  waiting: ['Waiting for the glasses', 'The picture appears here by itself as soon as they send one.'],
  lost: ['The glasses lost their connection', 'The stream goes on here by itself when they are back.'],
  ended: ['The stream has ended', ''],
  gone: ['There is no stream here', 'It ended, or the address is not complete.'],
  unable: ['This browser cannot play the stream', 'A player like VLC can open this address with /index.m3u8 at its end.'],
};

let state = 'loading';
let viewer = '';
let media = null;       // the playlist that lists segments
let source = null;      // {buffer, map, next}

function show(next) {
  state = next;
  document.body.dataset.state = next;
  const [headline, detail] = WORDS[next] || ['', ''];
  $('headline').textContent = headline;
  $('detail').textContent = detail;
  $('label').textContent = LABELS[next] || 'OFF';
}

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
const event = (target, name) => new Promise((done) => target.addEventListener(name, done, { once: true }));

async function get(path) {
  const answer = await fetch(`${base}/${path}`, { cache: 'no-store', signal: AbortSignal.timeout(15000) });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer;
}

// Segments of a playlist: {number, uri, map, seconds}.
function parse(text) {
  const segments = [];
  let number = Number(/#EXT-X-MEDIA-SEQUENCE:(\d+)/.exec(text)?.[1] ?? 0);
  let map = '', seconds = 0;
  for (const line of text.split('\n')) {
    if (line.startsWith('#EXT-X-MAP:')) map = /URI="([^"]+)"/.exec(line)[1];
    else if (line.startsWith('#EXTINF:')) seconds = parseFloat(line.slice(8));
    else if (line && !line.startsWith('#')) segments.push({ number: number++, uri: line, map, seconds });
  }
  return { segments, ended: text.includes('#EXT-X-ENDLIST') };
}

// What is in a header: the codecs, as MediaSource wants to hear them.
function typeOf(header) {
  const find = (name) => {
    for (let at = 4; at < header.length - 8; at++) {
      if (name.every((letter, n) => header[at + n] === letter)) return at + 4;
    }
    return -1;
  };
  const letters = (text) => [...text].map((letter) => letter.charCodeAt(0));
  const avc = find(letters('avcC'));
  const hex = [1, 2, 3].map((n) => header[avc + n].toString(16).padStart(2, '0')).join('');
  const codecs = [`avc1.${hex}`];
  const esds = find(letters('esds'));
  // Behind 26 bytes of descriptors is the decoder's own record; its first five bits are the kind of AAC.
  if (esds > 0) codecs.push(`mp4a.40.${header[esds + 26] >> 3}`);
  return `video/mp4; codecs="${codecs.join(',')}"`;
}

async function append(bytes) {
  const { buffer } = source;
  for (;;) {
    try {
      buffer.appendBuffer(bytes);
      break;
    } catch (error) {
      // No room: the past goes first.
      if (error.name !== 'QuotaExceededError' || !await forget(2)) throw error;
    }
  }
  if (buffer.updating) await event(buffer, 'updateend');
}

async function forget(keep) {
  const { buffer } = source;
  const begin = buffer.buffered.length ? buffer.buffered.start(0) : 0;
  const end = video.currentTime - keep;
  if (end - begin < 1) return false;
  buffer.remove(begin, end);
  await event(buffer, 'updateend');
  return true;
}

// A new MediaSource: at the beginning, and when sound comes or goes.
async function open(type) {
  const Source = window.ManagedMediaSource || window.MediaSource;
  const made = new Source();
  if (window.ManagedMediaSource) video.disableRemotePlayback = true;
  if (video.src) URL.revokeObjectURL(video.src);
  video.src = URL.createObjectURL(made);
  await event(made, 'sourceopen');
  source = { buffer: made.addSourceBuffer(type), map: '', type, next: source ? source.next : -1, fresh: true };
}

async function take(segment) {
  if (!source || segment.map !== source.map) {
    const header = new Uint8Array(await (await get(segment.map)).arrayBuffer());
    const type = typeOf(header);
    if (!source || type.includes('mp4a') !== source.type.includes('mp4a')) await open(type);
    source.map = segment.map;
    await append(header);
  }
  await append(await (await get(segment.uri)).arrayBuffer());
  source.next = segment.number + 1;
  if (source.fresh) {
    source.fresh = false;
    video.currentTime = video.buffered.start(0);
  }
  video.play().catch(() => {});
}

function keepUp() {
  const ranges = video.buffered;
  if (!ranges.length || !source) return;
  const now = video.currentTime, end = ranges.end(ranges.length - 1);
  const inside = [...Array(ranges.length).keys()].some((n) => ranges.start(n) <= now + 0.05 && now < ranges.end(n) - 0.05);
  const later = [...Array(ranges.length).keys()].find((n) => ranges.start(n) > now);
  if (!inside && later !== undefined) video.currentTime = ranges.start(later) + 0.01;
  else if (end - now > BEHIND) video.currentTime = end - START;
  video.playbackRate = end - now > CATCH_UP ? 1.05 : 1;
  $('delay').textContent = state === 'live' ? `${Math.max(0, end - now).toFixed(1)} s behind` : '';
}

async function follow() {
  for (;;) {
    try {
      if (!media) media = (await (await get('index.m3u8')).text()).split('\n').find((line) => line && !line.startsWith('#'));
      const { segments, ended } = parse(await (await get(media)).text());
      let fresh = segments.filter((segment) => !source || segment.number >= source.next);
      // Who comes new begins near the present.
      if (!source) {
        let seconds = 0;
        const from = segments.findLastIndex((segment) => (seconds += segment.seconds) >= START);
        fresh = segments.slice(Math.max(0, from));
      }
      for (const segment of fresh) await take(segment);
      if (source && !ended) await forget(KEEP);
      if (ended && !fresh.length) return;
      await sleep(fresh.length ? 400 : 250);
    } catch (error) {
      console.warn(String(error));
      // A segment that has left the window, a network that hiccups: the next playlist says how to go on.
      await sleep(1000);
      if (state === 'gone') return;
    }
  }
}

async function watchState() {
  for (;;) {
    try {
      const answer = await fetch(`${base}/state.json`, { cache: 'no-store', signal: AbortSignal.timeout(15000) });
      if (answer.status === 404) {
        if (state !== 'ended') show('gone');
        return;
      }
      const now = await answer.json();
      if (now.state !== state && state !== 'unable') show(now.state);
      $('viewers').textContent = ['', '1 viewer'][now.viewers] ?? `${now.viewers} viewers`;
    } catch (error) {
      console.warn(String(error));
    }
    await sleep(1000);
  }
}

function controls() {
  const sound = $('sound');
  sound.addEventListener('click', () => {
    video.muted = !video.muted;
    sound.setAttribute('aria-pressed', String(!video.muted));
    sound.setAttribute('aria-label', video.muted ? 'Sound on' : 'Sound off');
    video.play().catch(() => {});
  });
  $('full').addEventListener('click', () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else (document.documentElement.requestFullscreen || video.webkitEnterFullscreen).call(
      document.documentElement.requestFullscreen ? document.documentElement : video);
  });
  $('live').addEventListener('click', () => {
    const ranges = video.buffered;
    if (ranges.length) video.currentTime = Math.max(ranges.start(0), ranges.end(ranges.length - 1) - START);
    video.play().catch(() => {});
  });
}

show('loading');
controls();
watchState();
if (window.ManagedMediaSource || window.MediaSource) {
  setInterval(keepUp, 500);
  follow();
} else if (video.canPlayType('application/vnd.apple.mpegurl')) {
  video.src = `${base}/index.m3u8`;
} else {
  show('unable');
}
