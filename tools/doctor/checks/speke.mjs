// SPEKE itself: versions, refusals, headers, the form of answers.
import { randomUUID } from 'node:crypto';
import { elementsNamed, spekeDocument } from '@latchkey/testing';
import { Complaint, insist, NotHere } from '../findings.mjs';
import { answered, CPIX_VERSIONS, firstLine, plainWish } from '../requests.mjs';

const VERSIONS = ['1.0', '2.0', '2.1'];
const NOT_LATCHKEY =
  'The server does not do what SPEKE says; if it is Latchkey, something before it answers in its place.';

/** @returns {Promise<string[]>} the versions that are answered */
export async function checkVersions(findings, door, contentId, systems) {
  const spoken = [];
  for (const version of VERSIONS) {
    const well = await findings.check(
      `SPEKE ${version} is answered`,
      'Let X-Speke-Version and the body through to the server unchanged (API Gateway: no proxy integration, application/xml as it is), and check the credential.',
      async () => {
        const reply = await door.ask(plainWish(contentId, version, systems));
        const { keys } = await answered(reply);
        insist(keys.length === 1, `one key was asked for and ${keys.length} came`);
        return `${reply.status}, one key`;
      },
    );
    if (well) spoken.push(version);
  }
  return spoken;
}

export async function checkHeaders(findings, door, contentId, systems, versions) {
  for (const version of versions) {
    await findings.check(
      `SPEKE ${version}: the answer carries the headers`,
      'Let the headers of the answer through: Content-Type, X-Speke-Version and X-Speke-User-Agent (API Gateway: map them in the integration response).',
      async () => {
        const { headers } = await door.ask(plainWish(contentId, version, systems));
        const type = headers.get('content-type') ?? 'none';
        insist(
          /^application\/xml(;\s*charset="?utf-8"?)?$/i.test(type),
          `Content-Type is ${type}, not application/xml`,
        );
        if (version === '1.0') {
          const agent = headers.get('speke-user-agent') ?? headers.get('x-speke-user-agent');
          insist(agent, 'Speke-User-Agent is missing', { warning: true });
        } else {
          const echoed = headers.get('x-speke-version') ?? 'none';
          insist(echoed === version, `X-Speke-Version is ${echoed}, not ${version}`);
          insist(headers.get('x-speke-user-agent'), 'X-Speke-User-Agent is missing or empty');
        }
        const kept = /no-store/.test(headers.get('cache-control') ?? '');
        insist(kept, 'Cache-Control is not no-store: a proxy may keep keys', { warning: true });
      },
    );
  }
}

export async function checkRefusals(findings, door, contentId, systems) {
  const good = spekeDocument(plainWish(contentId, '2.0', systems));
  await refuses(findings, 'SPEKE 3.0 is refused', () => door.post(good, '3.0'), 'Unsupported SPEKE version');
  await refuses(
    findings,
    'a wrong CPIX version is refused',
    () => door.post(good.replace('version="2.3"', 'version="9.9"'), '2.0'),
    'Unsupported CPIX@version',
  );
  await refuses(
    findings,
    'a document without an encryption contract is refused',
    () => door.post(good.replace(/<cpix:ContentKeyUsageRuleList>[^]*<\/cpix:ContentKeyUsageRuleList>/, ''), '2.0'),
    'Missing CPIX encryption contract',
  );
}

function refuses(findings, name, ask, text) {
  return findings.check(name, NOT_LATCHKEY, async () => {
    const { status, body } = await ask();
    insist(status >= 400 && status < 500, `it got ${status}`);
    insist(body.includes(text), `the refusal does not say "${text}" but: ${firstLine(body)}`);
    return `${status} ${text}`;
  });
}

export async function checkCredentials(findings, door, contentId, systems, { shown, loopback }) {
  await findings.check(
    'nobody gets keys without a credential',
    'Give each encryptor a credential in TENANTS_FILE, or put API Gateway with IAM authorisation before the door (docs/encryptors.md).',
    async () => {
      const wish = plainWish(contentId, '2.0', systems);
      const { status } = await door.post(spekeDocument(wish), '2.0', { anonymous: true });
      if (status === 200 && loopback && !shown) throw new NotHere('open, on loopback');
      insist(status !== 200, 'keys were given to a request that shows nothing');
      insist(status === 401 || status === 403, `it got ${status}, not 401 or 403`, { warning: true });
      return String(status);
    },
  );
}

/** What AWS's encryptors and their verification suite trip over, beside signaling. */
export async function checkForm(findings, door, contentId, systems) {
  await findings.check('the answer has the form that encryptors read', NOT_LATCHKEY, async () => {
    const keyId = randomUUID().toUpperCase();
    const wish = plainWish(contentId, '2.0', systems);
    const { root, body } = await rootOf(await door.ask({ ...wish, keys: [{ ...wish.keys[0], keyId }] }));
    insist(
      !body.includes('urn:aws:amazon:com:speke'),
      'SPEKE 1 namespace in a SPEKE 2 answer: MediaPackage v2 refuses it',
    );
    insist(!root.attributes.has('id'), 'CPIX@id in a SPEKE 2 answer');
    insist(root.attributes.get('version') === CPIX_VERSIONS['2.0'], 'CPIX@version was changed');
    insist(root.attributes.get('contentId') === contentId, 'CPIX@contentId was changed');
    insist(elementsNamed(root, 'ContentKeyUsageRule').length === 1, 'the encryption contract did not come back');
    insist(!/<PlainValue|<EncryptedValue/.test(body), 'PSKC elements stand without a prefix');
    const named = [...elementsNamed(root, 'ContentKey'), ...elementsNamed(root, 'DRMSystem')];
    const changed = named.find((element) => element.attributes.get('kid') !== keyId);
    insist(!changed, `kid came back as ${changed?.attributes.get('kid')}, not as sent`, {
      warning: changed?.attributes.get('kid') === keyId.toLowerCase(),
    });
  });
}

async function rootOf(reply) {
  const { root } = await answered(reply);
  return { root, body: reply.body };
}

export async function checkKeys(findings, door, contentId, systems) {
  const wish = plainWish(contentId, '2.0', systems);
  await findings.check(
    'the same request gets the same keys',
    'All gateways must reach one key store: check DYNAMODB_TABLE or DATA_DIR of every key-service.',
    async () => {
      const first = await keyOf(door, wish);
      const again = await keyOf(door, wish);
      insist(first.key.equals(again.key), 'the second answer has another key: what is encrypted now will not play');
      insist(first.explicitIv === again.explicitIv, 'the second answer has another explicitIV');
    },
  );
  await findings.check('other key IDs have other keys', NOT_LATCHKEY, async () => {
    const first = await keyOf(door, wish);
    const other = await keyOf(door, plainWish(contentId, '2.0', systems));
    insist(!first.key.equals(other.key), 'two key IDs have one key');
    const iv = first.explicitIv && Buffer.from(first.explicitIv, 'base64');
    insist(!iv || !iv.equals(first.key), 'explicitIV is the key itself: it stands in manifests');
  });
}

async function keyOf(door, wish) {
  const { keys } = await answered(await door.ask(wish));
  return keys[0];
}

export async function checkEncryptedDelivery(findings, door, contentId, systems, { expected }) {
  const wish = plainWish(contentId, '2.0', systems);
  await findings.check(
    'keys come encrypted for a certificate, and open',
    'Give the encryptor a certificate of RSA 2048; if the server ignores it, do not use it.',
    async () => {
      const reply = await door.ask(wish, { encrypted: true });
      insist(!/PlainValue/.test(reply.body), 'a clear key stands in an answer that should be encrypted');
      const { keys } = await answered(reply);
      insist(keys[0].encrypted, 'the key is not encrypted');
      if (!expected) {
        insist((await keyOf(door, wish)).key.equals(keys[0].key), 'it is another key than the clear one');
      }
      return 'document key, MAC key and ValueMACs hold';
    },
  );
  await findings.check('encrypted delivery never falls back to clear keys', NOT_LATCHKEY, async () => {
    const empty = spekeDocument({ ...wish, certificates: ['x'] }).replace(
      /<cpix:DeliveryDataList>[^]*<\/cpix:DeliveryDataList>/,
      '<cpix:DeliveryDataList></cpix:DeliveryDataList>',
    );
    const { status, body } = await door.post(empty, '2.0');
    insist(status !== 200 || !/PlainValue/.test(body), 'a request with an empty DeliveryDataList got clear keys');
    return `an empty DeliveryDataList gets ${status}`;
  });
  await findings.check('clear keys are refused', 'Set policy.requireContentKeyEncryption for the tenant.', async () => {
    if (!expected) throw new NotHere('--expect-encrypted was not given');
    const { status } = await door.ask(wish, { encrypted: false });
    if (status === 200) throw new Complaint('an encryptor without a certificate got keys');
    return String(status);
  });
}
