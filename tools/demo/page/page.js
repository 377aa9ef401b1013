// Plays a presentation with hls.js or shaka-player; both put the token into the Authorization header of requests to
// key-delivery, and only there.
/* global Hls, shaka */

const video = document.getElementById('video');
const form = document.getElementById('choice');
const presentations = await (await fetch('presentations')).json();
let stopPlaying = async () => undefined;
/** What an earlier player still has to say is of no interest. */
let attempt = 0;

showPresentations();
form.addEventListener('submit', (event) => {
  event.preventDefault();
  void play();
});
document.getElementById('revoke').addEventListener('click', () => void revoke());
video.addEventListener('playing', () => tell('playing', 'Playing: the key came, and the picture with it.'));
video.addEventListener('ended', () => tell('ended', 'Played to the end.'));

async function play() {
  attempt++;
  tell('loading', 'Loading …');
  await stopPlaying();
  document.getElementById('requests').replaceChildren();
  const { at, presentation, kind } = chosen();
  const { token } = await (await fetch(`token?presentation=${at}&kind=${kind}`)).json();
  stopPlaying = await PLAYERS[presentation.player](`media/${presentation.url}`, token);
  await video.play().catch(() => undefined); // the players say why, more clearly
}

const PLAYERS = { 'hls.js': playWithHls, 'shaka-player': playWithShaka };

/** Little is loaded ahead, so that what happens to a key shows soon. */
const AHEAD_SECONDS = 4;

async function playWithHls(url, token) {
  const refuse = refuser();
  const player = new Hls({
    maxBufferLength: AHEAD_SECONDS,
    maxMaxBufferLength: AHEAD_SECONDS,
    keyLoadPolicy: { default: { maxTimeToFirstByteMs: 8_000, maxLoadTimeMs: 8_000 } },
    xhrSetup: (request, to) => {
      if (!isForKeys(to)) return;
      request.open('GET', to, true);
      if (token !== null) request.setRequestHeader('authorization', `Bearer ${token}`);
      request.addEventListener('loadend', () => note('GET', to, request.status, request.response));
    },
  });
  player.on(Hls.Events.ERROR, (_, { fatal, details, networkDetails }) => {
    if (fatal) refuse(networkDetails?.response, details);
  });
  player.attachMedia(video);
  player.loadSource(url);
  return async () => player.destroy();
}

async function playWithShaka(url, token) {
  const refuse = refuser();
  shaka.polyfill.installAll();
  const player = new shaka.Player();
  player.configure({
    streaming: { bufferingGoal: AHEAD_SECONDS, rebufferingGoal: 1 },
    drm: { retryParameters: { maxAttempts: 1 } },
  });
  const network = player.getNetworkingEngine();
  network.registerRequestFilter((_, request) => {
    if (isForKeys(request.uris[0]) && token !== null) request.headers['authorization'] = `Bearer ${token}`;
  });
  network.registerResponseFilter((_, { uri, data, status }) => {
    if (isForKeys(uri)) note(uri.includes('/clearkey/') ? 'POST' : 'GET', uri, status ?? 200, data);
  });
  const failed = ({ code, data }) => {
    // 6007, 1001 and the like hold what the server answered: URI, status, body.
    const [uri, status, body] = data?.[0]?.data ?? data ?? [];
    if (isForKeys(String(uri))) note('GET', uri, status, body);
    refuse(body, `shaka-player error ${code}`);
  };
  player.addEventListener('error', ({ detail }) => failed(detail));
  await player.attach(video);
  player.load(url).catch(failed);
  return () => player.destroy();
}

function isForKeys(url) {
  return /\/(keys|clearkey)\/[a-z0-9]/.test(url);
}

async function revoke() {
  const { at, presentation } = chosen();
  // Those of the period that plays and of the next one are loaded, or soon will be.
  const from = presentation.player === 'hls.js' ? Math.floor(video.currentTime / 6) + 2 : 0;
  await fetch(`revoke?presentation=${at}&from=${from}`, { method: 'POST' });
  tell('revoked', 'Revoked: the next key will not come.');
}

function chosen() {
  const { presentation, token } = Object.fromEntries(new FormData(form));
  return { at: presentation, presentation: presentations[presentation], kind: token };
}

/** Tells why it stopped: in the server's own words where there are some. */
function refuser() {
  const mine = attempt;
  return (body, otherwise) => {
    if (mine !== attempt) return;
    const problem = problemIn(body);
    video.pause();
    tell(
      'refused',
      problem ? `Refused: ${problem.detail} (${problem.status} ${problem.code}).` : `Stopped: ${otherwise}.`,
    );
  };
}

function problemIn(body) {
  try {
    return JSON.parse(typeof body === 'string' ? body : new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

function tell(state, text) {
  document.body.dataset.state = state;
  document.getElementById('status').textContent = text;
}

/** Never the key: how many bytes came is enough. */
function note(method, url, status, body) {
  const line = document.createElement('li');
  const size = typeof body === 'string' ? body.length : (body?.byteLength ?? 0);
  const problem = status >= 400 ? problemIn(body) : undefined;
  line.className = status >= 400 ? 'refused' : 'given';
  line.textContent = `${method} ${new URL(url).pathname} → ${status} ${problem?.code ?? `${size} bytes`}`;
  document.getElementById('requests').append(line);
}

function showPresentations() {
  document.getElementById('presentations').replaceChildren(
    ...presentations.map(({ name, player }, at) => {
      const label = document.createElement('label');
      const input = Object.assign(document.createElement('input'), {
        type: 'radio',
        name: 'presentation',
        value: String(at),
        checked: at === 0,
      });
      label.append(input, ` ${name} (${player})`);
      return label;
    }),
  );
  document.body.dataset.ready = 'true';
}
