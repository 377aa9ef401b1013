import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  eventually,
  temporaryDirectory,
  Encryptor,
  SPEKE_2_SYSTEMS,
  startNatsServer,
  type NatsServer,
} from '@latchkey/testing';
import { answered, said } from './answered';
import { describeWith } from './parts';
import { startServices, type System } from './system';

const LEDGER = join(__dirname, '../../apps/monitor/dist/ledger/command.js');
const DEPLOY = join(__dirname, '../../deploy/nats');

// promise 10
describeWith(['nats-server'])(
  'services on a nats-server with deploy/nats: an nkey user for each, TLS, its own subjects only',
  () => {
    let identities: string;
    let nats: NatsServer;
    let system: System;

    beforeAll(async () => {
      identities = temporaryDirectory();
      execFileSync(process.execPath, [join(DEPLOY, 'make-identities.mjs'), identities]);
      nats = await startNatsServer({
        scheme: 'tls',
        environment: publicKeys(),
        configuration: [
          `tls { cert_file: "${identities}/server.pem", key_file: "${identities}/server.key" }`,
          readFileSync(join(DEPLOY, 'permissions.conf'), 'utf8'),
        ].join('\n'),
      });
      system = await startServices({
        environment: {
          NATS_URL: nats.url,
          NATS_NKEY_SEED_FILE: join(identities, '{service}.seed'),
          NATS_TLS_CA: join(identities, 'ca.pem'),
        },
      });
    });
    afterAll(async () => {
      await system?.stop();
      await nats?.stop();
      system?.removeData();
    });

    function publicKeys(): Record<string, string> {
      const lines = readFileSync(join(identities, 'nats.env'), 'utf8').trim().split('\n');
      return Object.fromEntries(lines.map((line) => line.split('=') as [string, string]));
    }

    it('answer an encryptor and a player, keep the ledger, and are refused nothing', async () => {
      const encryptor = await Encryptor.create();
      const contentId = `permissions-${randomUUID()}`;
      const { clearKeyAes128, ...drm } = SPEKE_2_SYSTEMS;
      const film = { version: '2.0', contentId, keys: [{ keyId: randomUUID(), scheme: 'cbcs' }] } as const;
      const forDrm = await answered(system, encryptor, { ...film, systems: Object.values(drm) });
      expect(forDrm.systems).toHaveLength(3);

      const keyId = randomUUID();
      const clip = { version: '2.0', contentId, keys: [{ keyId, scheme: 'cbc1' }] } as const;
      const answer = await answered(system, encryptor, { ...clip, systems: [clearKeyAes128] });
      const line = said(answer, clearKeyAes128.systemId, keyId, 'HLSSignalingData:media');
      const player = await fetch(/URI="([^"]+)"/.exec(line)?.[1] ?? '');
      expect(Buffer.from(await player.arrayBuffer())).toEqual(answer.keys[0]?.key);
      await eventually(() => exported().includes(contentId));
      expect(system.output()).not.toMatch(/NATS reports an error|does not let|may not ask|FORBIDDEN/);
    });

    function exported(): string {
      const environment = { ...process.env, DATA_DIR: system.data };
      return execFileSync(process.execPath, [LEDGER, 'export'], { env: environment, encoding: 'utf8' });
    }
  },
);
