// `npm run simulate`: encryptors at work on a running server.
import { parseArgs } from 'node:util';
import { PROFILES } from './documents.mjs';
import { simulate } from './simulation.mjs';

const USAGE = `npm run simulate -- [options]     against a server that runs, e.g. npm start in another terminal
  --url URL            the SPEKE door                                     (http://127.0.0.1:8080)
  --console URL        where to look                                      (http://127.0.0.1:8082)
  --endpoints N        live endpoints that rotate                         (20)
  --period TIME        how often each does                                (10s)
  --vod-every TIME     a VOD job, 0 for none                              (15s)
  --fault-every TIME   a wrong document, 0 for none                       (20s)
  --play-every TIME    a player that fetches a key, 0 for none            (1s)
  --drop TIME          now and again one endpoint falls silent, 0: never  (five periods)
  --drop-for TIME      until it comes back, 0: never                      (six periods)
  --drop-content ID    which one; any if absent
  --duration TIME      end by itself after                                (never)
  --header 'name: v'   with every request, e.g. an API key; repeatable
  --basic user:pass    HTTP Basic with every request
Times are like 500ms, 10s, 5m.`;

const { values } = readArguments();
const periodMs = time(values.period, 'period');
const running = simulate({
  url: values.url.replace(/\/(copyProtection)?\/?$/, ''),
  headers: headers(values),
  endpoints: Math.min(5_000, Math.max(1, Number(values.endpoints) || usage('--endpoints is a number'))),
  periodMs,
  vodEveryMs: time(values['vod-every'], 'vod-every'),
  faultEveryMs: time(values['fault-every'], 'fault-every'),
  playEveryMs: time(values['play-every'], 'play-every'),
  dropAfterMs: values.drop === undefined ? 5 * periodMs : time(values.drop, 'drop'),
  dropForMs: values['drop-for'] === undefined ? 6 * periodMs : time(values['drop-for'], 'drop-for'),
  drop: values['drop-content'],
  say: (line) => console.log(`${new Date().toTimeString().slice(0, 8)}  ${line}`),
});

console.log(
  `${values.endpoints} live endpoints (${PROFILES.map(({ name }) => name).join(', ')}) ask ${values.url} every ${values.period}.`,
);
console.log(`Watch them: ${values.console}/rotation   (Ctrl+C ends)`);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end);
if (values.duration) setTimeout(end, time(values.duration, 'duration'));

function end() {
  running.stop();
  const { unexpected } = running.tally.counts;
  console.log(JSON.stringify(running.tally.counts));
  process.exit(unexpected > 0 ? 1 : 0);
}

function readArguments() {
  const text = (fallback) => ({ type: 'string', ...(fallback && { default: fallback }) });
  try {
    return parseArgs({
      options: {
        url: text('http://127.0.0.1:8080'),
        console: text('http://127.0.0.1:8082'),
        endpoints: text('20'),
        period: text('10s'),
        'vod-every': text('15s'),
        'fault-every': text('20s'),
        'play-every': text('1s'),
        drop: text(),
        'drop-for': text(),
        'drop-content': text(),
        duration: text(),
        header: { type: 'string', multiple: true, default: [] },
        basic: text(),
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    return usage(error.message);
  }
}

function headers({ header, basic, help }) {
  if (help) usage();
  const named = header.map((line) => {
    const at = line.indexOf(':');
    return at > 0
      ? [line.slice(0, at).trim(), line.slice(at + 1).trim()]
      : usage(`--header ${line}: it is 'name: value'`);
  });
  const authorization = basic ? [['authorization', `Basic ${Buffer.from(basic).toString('base64')}`]] : [];
  return Object.fromEntries([...named, ...authorization]);
}

function time(text, option) {
  const [, number, unit] =
    /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text) ?? usage(`--${option} ${text}: a time is like 10s`);
  return Number(number) * { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? 's'];
}

function usage(wrong) {
  console.error(wrong ? `${wrong}\n\n${USAGE}` : USAGE);
  process.exit(wrong ? 2 : 0);
}
