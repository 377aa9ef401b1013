import { parseArgs } from 'node:util';
import { SPEKE_2_SYSTEMS } from '@latchkey/testing';

export const USAGE = `npm run doctor -- --url URL [options]      looks at an installation from outside
  --url URL               the SPEKE door, with its path: https://…/copyProtection

How an encryptor shows who it is
  --basic USER:PASSWORD   HTTP Basic
  --digest USER:PASSWORD  HTTP Digest, SHA-256 or MD5 as the server offers
                          (USER alone: the password is in DOCTOR_PASSWORD, where ps does not show it)
  --api-key NAME=VALUE    a header; the same as --header 'NAME: VALUE'
  --header 'NAME: VALUE'  repeatable
  --sigv4                 sign with the AWS credentials of the environment (API Gateway with IAM)
  --region REGION         for --sigv4, when the host name does not say it

What is expected
  --systems LIST          of widevine, playready, fairplay, clearkey: each must be answered
  --origin ORIGIN         a page that players run on: CORS is looked at from there
  --player-header 'N: V'  what players show to get keys, e.g. 'Authorization: Bearer …'; repeatable
  --player-query QUERY    the same in the URL, e.g. token=…
  --expect-denied         without them keys must be refused
  --expect-encrypted      keys must be refused to an encryptor without a certificate
  --calls N               for latency (30)

With AWS credentials in the environment (read only)
  --role-arn ARN          the role that the media service assumes: does it trust the service?
  --service NAME          mediapackage, mediapackagev2 or mediaconvert (mediapackagev2)
  --endpoint-region R     where the media service runs: API Gateway must be there too

  --json                  the findings as JSON
It issues a few keys under a content ID of its own, latchkey-doctor-…; tokens for players must allow 'latchkey-doctor-*'.
NODE_EXTRA_CA_CERTS=FILE makes it trust an authority of yours. Exit code: 0 well, 1 something failed, 2 wrong usage.`;

export class UsageError extends Error {}

const NAMES = { widevine: 'widevine', playready: 'playready', fairplay: 'fairplay', clearkey: 'clearKeyAes128' };
const text = { type: 'string' };
const texts = { type: 'string', multiple: true, default: [] };

/** Throws UsageError. */
export function readOptions(args, environment) {
  const values = parse(args);
  if (values.help) throw new UsageError(USAGE);
  if (!values.url || !URL.canParse(values.url) || !/^https?:$/.test(new URL(values.url).protocol)) {
    throw new UsageError(`--url is the http or https URL of the SPEKE door\n\n${USAGE}`);
  }
  if ([values.basic, values.digest, values.sigv4].filter(Boolean).length > 1) {
    throw new UsageError('one of --basic, --digest and --sigv4');
  }
  const apiKey = values['api-key']?.replace('=', ': ');
  return {
    ...values,
    basic: withPassword(values.basic, environment),
    digest: withPassword(values.digest, environment),
    headers: named([...values.header, ...(apiKey ? [apiKey] : [])]),
    player: { headers: named(values['player-header']), query: values['player-query'] },
    wanted: values.systems?.split(',').map(systemNamed),
    calls: Math.min(1_000, Math.max(5, Number(values.calls) || 30)),
    region: values.region ?? regionOf(new URL(values.url).hostname) ?? environment.AWS_REGION,
  };
}

function withPassword(user, { DOCTOR_PASSWORD }) {
  if (user === undefined || user.includes(':')) return user;
  if (!DOCTOR_PASSWORD) throw new UsageError(`${user} has no password: USER:PASSWORD, or DOCTOR_PASSWORD`);
  return `${user}:${DOCTOR_PASSWORD}`;
}

function parse(args) {
  try {
    return parseArgs({
      args,
      options: {
        url: text,
        basic: text,
        digest: text,
        'api-key': text,
        header: texts,
        sigv4: { type: 'boolean' },
        region: text,
        systems: text,
        origin: text,
        'player-header': texts,
        'player-query': text,
        'expect-denied': { type: 'boolean' },
        'expect-encrypted': { type: 'boolean' },
        calls: text,
        'role-arn': text,
        service: { type: 'string', default: 'mediapackagev2' },
        'endpoint-region': text,
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values;
  } catch (error) {
    throw new UsageError(`${error.message}\n\n${USAGE}`);
  }
}

function named(lines) {
  return Object.fromEntries(
    lines.map((line) => {
      const colon = line.indexOf(':');
      if (colon < 1) throw new UsageError(`${line}: a header is 'name: value'`);
      return [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    }),
  );
}

function systemNamed(name) {
  const key = NAMES[name.trim().toLowerCase()];
  if (!key) throw new UsageError(`--systems: ${name} is none of ${Object.keys(NAMES).join(', ')}`);
  return SPEKE_2_SYSTEMS[key];
}

/** `…execute-api.eu-west-1.amazonaws.com` */
export function regionOf(hostname) {
  return /\.execute-api\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/.exec(hostname)?.[1];
}
