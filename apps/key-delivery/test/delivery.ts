import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TenantDelivery } from '@latchkey/tenants';
import { stringify } from 'yaml';
import { startKeyDelivery } from '../src/index';
import { down, quietContext, startKeyAnswerer } from './key-answerer';

/** The part of a tenant that tests speak of, as written in the tenants file. */
export type DeliveryWritten = { [Section in keyof TenantDelivery]?: unknown };

/** key-delivery on a free port, with a small key-service behind it and the tenants given. */
export async function startDelivery(
  tenants: Record<string, DeliveryWritten>,
  {
    environment = {},
    context = quietContext('key-delivery'),
  }: { environment?: Record<string, string>; context?: ReturnType<typeof quietContext> } = {},
) {
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-delivery-'));
  const tenantsFile = join(folder, 'tenants.yaml');
  const configure = (written: Record<string, DeliveryWritten>) =>
    writeFileSync(
      tenantsFile,
      stringify({ tenants: Object.entries(written).map(([id, delivery]) => ({ id, delivery })) }),
    );
  configure(tenants);

  const keys = await startKeyAnswerer();
  const connection = keys.hub.connect(context);
  const service = await startKeyDelivery(
    {
      ...context,
      environment: {
        ...context.environment,
        DELIVERY_PORT: '0',
        // However busy the machine is that runs the tests.
        DELIVERY_MOST_DELAY_MS: '60000',
        TENANTS_FILE: tenantsFile,
        ...environment,
      },
    },
    connection,
  );
  const publish = connection.publish.bind(connection);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= service.close().then(() => connection.close()));
  return {
    ...keys,
    stop,
    /** From now on the bus takes no event from the service, until it does again. */
    refuseEvents: () => (connection.publish = down),
    takeEvents: () => (connection.publish = publish),
    url: service.url,
    tenantsFile,
    configure,
    async close() {
      await stop();
      await keys.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export type RunningDelivery = Awaited<ReturnType<typeof startDelivery>>;

/** Where a player asks for a key, as signaling writes it. */
export function keyPath(tenant: string, contentId: string, keyId: string): string {
  return `/keys/${tenant}/${encodeURIComponent(contentId)}/${keyId}`;
}

export async function body(response: Response): Promise<Buffer> {
  return Buffer.from(await response.arrayBuffer());
}

/** What a problem or a licence says, as far as tests ask. */
interface Answer {
  readonly code?: string;
  readonly instance?: string;
  readonly keys?: readonly { readonly kid: string }[];
}

export async function json(response: Response): Promise<Answer> {
  return (await response.json()) as Answer;
}
