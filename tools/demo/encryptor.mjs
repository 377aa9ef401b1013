// The encryptor's side of SPEKE 2.0: a document goes out, the same document comes back filled.
import { Encryptor } from '@latchkey/testing';

export const SYSTEMS = {
  /** W3C common pssh. */
  common: { systemId: '1077efec-c0b2-4d02-ace3-3c1e52e2fb4b', items: ['PSSH'] },
  clearKey: { systemId: 'e2719d58-a985-b3c9-781a-b030af78d30e', items: ['ContentProtectionData'] },
  clearKeyAes128: { systemId: '3ea8778f-7742-4bf9-b18b-e834b2acbd47', items: ['HLSSignalingData'] },
  clearKeySampleAes: { systemId: 'be58615b-19c4-4684-88b3-c8c57e99e957', items: ['HLSSignalingData'] },
};

const encryptor = Encryptor.create();

/** Keys come encrypted for the encryptor's certificate. @returns keys in the order asked, and what each system says of them */
export async function askKeys({ spekeUrl }, { contentId, keys, systems, period }) {
  const reply = await (
    await encryptor
  ).ask(
    spekeUrl,
    { version: '2.0', contentId, keys, systems, ...(period === undefined ? {} : { period: { index: period } }) },
    { encrypted: true },
  );
  if (reply.status !== 200) throw new Error(`SPEKE: ${reply.status} ${reply.body}`);
  const document = await reply.document();
  return {
    keys: keys.map(({ keyId }) => document.keys.find((key) => key.keyId === keyId)),
    /** Decoded: HLS lines and inner elements are text, boxes are bytes. */
    said: ({ systemId }, keyId, item) => {
      const answered = document.systems.find((system) => system.systemId === systemId && system.keyId === keyId);
      return Buffer.from(answered.items.get(item), 'base64');
    },
  };
}
