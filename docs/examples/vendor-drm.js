// A DRM system of one's own: answers signaling.v1.<system id> on NATS. Needs Node and `npm install nats`, nothing of Latchkey.
const { connect, headers } = require('nats');
const SYSTEM_ID = 'c0ffee00-1234-4abc-8def-0123456789ab';
const SCHEMES = ['cenc', 'cbcs'];

/** A version 0 pssh box: size, type, version and flags, system ID, length of the data, data. */
function psshBox(data) {
  const box = Buffer.alloc(32 + data.length);
  box.writeUInt32BE(box.length, 0);
  box.write('pssh', 4, 'latin1');
  box.write(SYSTEM_ID.replaceAll('-', ''), 12, 'hex');
  box.writeUInt32BE(data.length, 28);
  data.copy(box, 32);
  return box.toString('base64');
}

function signal(request, key) {
  if (key.scheme && !SCHEMES.includes(key.scheme)) throw new Error(`Example DRM does not know ${key.scheme}`);
  const pssh = psshBox(Buffer.from(JSON.stringify({ contentId: request.contentId, keyId: key.keyId })));
  const element = Buffer.from(`<cenc:pssh xmlns:cenc="urn:mpeg:cenc:2013">${pssh}</cenc:pssh>`);
  const said = { pssh, contentProtectionData: element.toString('base64') };
  return { keyId: key.keyId, ...Object.fromEntries(key.wants.map((item) => [item, said[item]])) };
}

async function main() {
  const nats = await connect({ servers: process.env.NATS_URL ?? 'nats://127.0.0.1:4222' });
  for await (const message of nats.subscribe(`signaling.v1.${SYSTEM_ID}`, { queue: 'example-drm' })) {
    try {
      const request = message.json();
      message.respond(JSON.stringify({ keys: request.keys.map((key) => signal(request, key)) }));
    } catch (error) {
      const fault = headers();
      fault.set('Nats-Service-Error-Code', 'UNSUPPORTED_SCHEME');
      fault.set('Nats-Service-Error', error.message);
      message.respond('', { headers: fault });
    }
  }
}

main();
