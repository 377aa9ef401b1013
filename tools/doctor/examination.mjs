import { SPEKE_2_SYSTEMS } from '@latchkey/testing';
import { authorizationOf } from './authorization.mjs';
import { checkAws } from './checks/aws.mjs';
import { checkClock, checkLatency, checkTls, isLoopback } from './checks/connection.mjs';
import { checkDelivery } from './checks/delivery.mjs';
import { checkSignaling } from './checks/signaling.mjs';
import {
  checkCredentials,
  checkEncryptedDelivery,
  checkForm,
  checkHeaders,
  checkKeys,
  checkRefusals,
  checkVersions,
} from './checks/speke.mjs';
import { Door } from './door.mjs';
import { Findings } from './findings.mjs';
import { ownContentId, plainWish } from './requests.mjs';

/** Looks at everything that the options allow. @returns {Promise<{ findings: Findings, contentId: string, requests: number }>} */
export async function examine(options, environment) {
  const findings = new Findings();
  const contentId = ownContentId();
  const expectEncrypted = options['expect-encrypted'] === true;
  const authorization = authorizationOf(options, environment);
  const door = await Door.open({ ...options, authorization, encrypted: expectEncrypted });
  const shown = authorization !== undefined || Object.keys(options.headers).length > 0;

  await checkTls(findings, door.url);
  if (await checkReachable(findings, door)) {
    await examineSpeke(findings, door, contentId, { ...options, shown, expectEncrypted });
  }
  await checkAws(findings, options, environment);
  return { findings, contentId, requests: door.requests };
}

function checkReachable(findings, door) {
  return findings.check(
    'something answers at the URL',
    'Check host, port and path (with the stage of API Gateway), DNS, security groups, and NODE_EXTRA_CA_CERTS for an authority of yours.',
    async () => {
      const { status } = await door.post('', '2.0');
      if (status === 404 || status >= 500 || (status >= 300 && status < 400)) throw new Error(`it got ${status}`);
      return '';
    },
  );
}

async function examineSpeke(findings, door, contentId, options) {
  await checkClock(findings, door);
  // Before anything that needs keys: the first system that is wanted, else Widevine, which every server has.
  const wanted = options.wanted ?? Object.values(SPEKE_2_SYSTEMS);
  const spoken = await checkVersions(findings, door, contentId, wanted);
  await checkHeaders(findings, door, contentId, wanted, spoken);
  await checkRefusals(findings, door, contentId, wanted);
  await checkCredentials(findings, door, contentId, wanted, {
    shown: options.shown,
    loopback: isLoopback(door.url.hostname),
  });
  if (!spoken.includes('2.0')) return findings.skip('keys, signaling and delivery', 'SPEKE 2.0 is not answered');
  await checkForm(findings, door, contentId, wanted);
  await checkKeys(findings, door, contentId, wanted);
  await checkEncryptedDelivery(findings, door, contentId, wanted, { expected: options.expectEncrypted });
  const keyUrls = await checkSignaling(findings, door, contentId, wanted, { demanded: options.wanted !== undefined });
  await examineDelivery(findings, door, keyUrls, options);
  await checkLatency(findings, door, plainWish(contentId, '2.0', wanted), options.calls);
}

async function examineDelivery(findings, door, [found], options) {
  if (!found) return findings.skip('keys for players', 'no answer names a key URL');
  await checkDelivery(findings, found, {
    spekeUrl: door.url,
    origin: options.origin,
    player: options.player,
    expectDenied: options['expect-denied'],
  });
}
