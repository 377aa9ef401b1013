// What DRM systems say: that its parts agree with each other and with the key.
import { randomUUID } from 'node:crypto';
import { keyIdGuidBytes, parsePsshBox, SYSTEM_NAMES } from '@latchkey/cenc';
import { readXmlTree, SPEKE_1_SYSTEMS, SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { Complaint, insist, NotHere } from '../findings.mjs';
import { playReadyChecksum, readPlayReadyObject, readWidevineData } from '../pssh-data.mjs';
import { answered, firstLine, schemeOf } from '../requests.mjs';

const CENC = 'urn:mpeg:cenc:2013';
const FIX =
  'Check signaling of the tenant in TENANTS_FILE (docs/signaling.md); a service for a system of your own must answer as Latchkey does.';

const EXAMINED = {
  [SPEKE_2_SYSTEMS.widevine.systemId]: { examine: examineWidevine, schemes: ['cenc', 'cbcs'] },
  [SPEKE_2_SYSTEMS.playready.systemId]: { examine: examinePlayReady, schemes: ['cenc', 'cbcs'] },
  [SPEKE_2_SYSTEMS.fairplay.systemId]: { examine: examineFairPlay, schemes: ['cbcs'] },
  [SPEKE_2_SYSTEMS.clearKeyAes128.systemId]: { examine: examineClearKey, schemes: ['cbc1'] },
};

/** @returns {Promise<{ url: string, key: Buffer, keyId: string, contentId: string }[]>} where players would get keys */
export async function checkSignaling(findings, door, contentId, systems, { demanded }) {
  const keyUrls = [];
  for (const system of systems) {
    const { examine, schemes } = EXAMINED[system.systemId];
    for (const scheme of schemes) {
      await findings.check(
        `${SYSTEM_NAMES.get(system.systemId)}, ${scheme}: signaling agrees with itself`,
        FIX,
        async () => {
          const wish = {
            version: '2.0',
            contentId,
            keys: [{ keyId: randomUUID(), scheme: schemeOf(system.systemId, scheme) }],
            // What asks for more than the system has gets less: FairPlay's placeholders are taken away.
            systems: [system],
          };
          const said = await saidOf(door, wish, demanded);
          const seen = await examine(said);
          if (seen.url) keyUrls.push({ ...seen, key: said.key, keyId: said.keyId, contentId });
          return seen.text;
        },
      );
    }
  }
  await checkSpeke1Url(findings, door, contentId, keyUrls, { demanded, systems });
  return keyUrls;
}

async function saidOf(door, wish, demanded) {
  const reply = await door.ask(wish);
  if (reply.status >= 400 && reply.status < 500 && !demanded) {
    throw new NotHere(`not answered here: ${firstLine(reply.body)}`);
  }
  const { keys, systems } = await answered(reply);
  const [{ key, explicitIv }] = keys;
  insist(systems.length === 1, `one DRMSystem was asked for and ${systems.length} came`);
  return { ...wish.keys[0], key, explicitIv, systemId: wish.systems[0].systemId, items: systems[0].items };
}

async function examineWidevine(said) {
  const { box, pssh } = boxOf(said);
  const { keyIds, scheme } = readWidevineData(Buffer.from(box.data));
  insist(keyIds.includes(said.keyId.replaceAll('-', '')), 'the box does not name the key ID');
  insist(
    scheme === said.scheme || (scheme === undefined && said.scheme === 'cenc'),
    `the box says ${scheme ?? 'cenc'}`,
  );
  await contentProtectionHolds(said, pssh);
  const { media } = hlsOf(said, 'urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed');
  insist(dataOf(media.URI) === pssh, 'the HLS tag holds another box than PSSH');
  insist(
    !media.KEYID || media.KEYID.toLowerCase() === `0x${said.keyId.replaceAll('-', '')}`,
    'KEYID is another key ID',
  );
  return { text: 'pssh, ContentProtectionData and HLS are one' };
}

async function examinePlayReady(said) {
  const { box, pssh } = boxOf(said);
  const object = Buffer.from(box.data);
  const { version, keys, laUrl } = await readPlayReadyObject(object);
  const ours = keys.find(({ keyId }) => keyId === keyIdGuidBytes(said.keyId).toString('base64'));
  insist(ours, 'the header does not name the key ID (in GUID order)');
  const algorithm = said.scheme === 'cbcs' ? 'AESCBC' : 'AESCTR';
  insist(ours.algorithm === algorithm, `the header says ${ours.algorithm}, not ${algorithm}`);
  insist(
    !ours.checksum || ours.checksum === playReadyChecksum(said.keyId, said.key),
    'CHECKSUM is not that of the key',
  );
  const [, pro] = await contentProtectionHolds(said, pssh, 2);
  insist(pro?.text === object.toString('base64'), 'mspr:pro in ContentProtectionData is another PlayReady Object');
  insist(
    said.items.get('SmoothStreamingProtectionHeaderData') === pro.text,
    'the Smooth header is another PlayReady Object',
  );
  const { media } = hlsOf(said, 'com.microsoft.playready');
  insist(dataOf(media.URI) === pro.text, 'the HLS tag holds another PlayReady Object');
  if (!laUrl) {
    throw new Complaint('the header has no LA_URL: players must be told where licences are', {
      warning: true,
      fix: 'Set signaling.playready.laUrl of the tenant, unless your players know it.',
    });
  }
  return { text: `header ${version}, everywhere the same` };
}

async function examineFairPlay(said) {
  insist(
    !said.items.has('PSSH') && !said.items.has('ContentProtectionData'),
    'FairPlay has neither PSSH nor ContentProtectionData',
  );
  const { media } = hlsOf(said, 'com.apple.streamingkeydelivery');
  insist(media.URI?.startsWith('skd://'), `URI is ${media.URI}, not skd://`);
  insist(media.METHOD === 'SAMPLE-AES', `METHOD is ${media.METHOD}`);
  insist(!media.IV, 'the tag carries an IV, which belongs into the CKC');
  insist(Buffer.from(said.explicitIv ?? '', 'base64').length === 16, 'the key comes without a 16-byte explicitIV');
  return { text: 'media and master agree, the key has its IV' };
}

async function examineClearKey(said) {
  const { media } = hlsOf(said, 'identity');
  insist(media.METHOD === 'AES-128', `METHOD is ${media.METHOD}`);
  insist(URL.canParse(media.URI) && /^https?:/.test(media.URI), `URI is ${media.URI}, not a URL`);
  return { text: media.URI, url: media.URI };
}

async function checkSpeke1Url(findings, door, contentId, keyUrls, { demanded, systems }) {
  const wanted = systems.includes(SPEKE_2_SYSTEMS.clearKeyAes128);
  if (!wanted) return;
  await findings.check('HLS AES-128 in SPEKE 1: URIExtXKey is a URL', FIX, async () => {
    const wish = { version: '1.0', contentId, keys: [{ keyId: randomUUID() }], systems: [SPEKE_1_SYSTEMS.hlsAes128] };
    const { items, key, keyId } = await saidOf(door, wish, demanded);
    const text = (name) => Buffer.from(items.get(name) ?? '', 'base64').toString();
    const url = text('URIExtXKey');
    insist(URL.canParse(url) && /^https?:/.test(url), `it decodes to ${url || 'nothing'}`);
    insist(text('KeyFormat') === 'identity', `KeyFormat decodes to ${text('KeyFormat') || 'nothing'}`);
    keyUrls.push({ url, key, keyId, contentId });
    return url;
  });
}

function boxOf({ items, systemId }) {
  const pssh = items.get('PSSH');
  insist(pssh, 'PSSH did not come');
  const box = parsePsshBox(Buffer.from(pssh, 'base64'));
  insist(box.systemId === systemId, `the box is of ${box.systemId}`);
  return { box, pssh };
}

/** ContentProtectionData are elements without a root; the first one holds the box. @returns the elements */
async function contentProtectionHolds({ items }, pssh, count = 1) {
  const base64 = items.get('ContentProtectionData');
  insist(base64, 'ContentProtectionData did not come');
  const { children } = await readXmlTree(`<r>${Buffer.from(base64, 'base64').toString()}</r>`);
  insist(children.length === count, `ContentProtectionData has ${children.length} elements, not ${count}`);
  const [first] = children;
  insist(first.name === 'pssh' && first.uri === CENC, 'ContentProtectionData does not begin with cenc:pssh');
  insist(first.text === pssh, 'pssh in ContentProtectionData is another box than PSSH: encryptors stop');
  return children;
}

/** The media and the master line must say the same, METHOD first. */
function hlsOf({ items }, keyFormat) {
  const lines = Object.fromEntries(
    ['media', 'master'].map((playlist) => {
      const base64 = items.get(`HLSSignalingData:${playlist}`);
      insist(base64, `HLSSignalingData for the ${playlist} playlist did not come`);
      return [playlist, Buffer.from(base64, 'base64').toString().trim()];
    }),
  );
  insist(lines.media.startsWith('#EXT-X-KEY:METHOD='), 'the media line is not #EXT-X-KEY with METHOD first');
  insist(
    lines.master.startsWith('#EXT-X-SESSION-KEY:METHOD='),
    'the master line is not #EXT-X-SESSION-KEY with METHOD first',
  );
  const [media, master] = [lines.media, lines.master].map(attributesOf);
  for (const name of ['METHOD', 'URI', 'KEYFORMAT', 'KEYFORMATVERSIONS']) {
    insist(media[name] === master[name], `media and master line differ in ${name}`);
  }
  insist(media.KEYFORMAT === keyFormat, `KEYFORMAT is ${media.KEYFORMAT ?? 'missing'}, not ${keyFormat}`);
  return { media, master };
}

function attributesOf(line) {
  const list = line.slice(line.indexOf(':') + 1);
  return Object.fromEntries(
    [...list.matchAll(/([A-Z0-9-]+)=(?:"([^"]*)"|([^,]*))/g)].map(([, name, quoted, bare]) => [name, quoted ?? bare]),
  );
}

function dataOf(uri) {
  return uri?.slice(uri.indexOf(',') + 1).replace(/^.*base64,/, '');
}
