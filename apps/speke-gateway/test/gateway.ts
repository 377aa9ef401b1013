import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryHub, type BusConnection } from '@latchkey/bus';
import { createContext, createLogger, type RunningService } from '@latchkey/runtime';
import { temporaryDirectory } from '@latchkey/testing';
import { startSpekeGateway } from '../src/index';
import { startAnswerers } from './answerers';

export interface TestGateway {
  readonly url: string;
  readonly bus: BusConnection;
  readonly hub: MemoryHub;
  /** The lines of its log, parsed. */
  readonly lines: () => Record<string, unknown>[];
  /** The log as text. */
  readonly log: () => string;
  close(): Promise<void>;
}

/** However busy the machine is that runs the tests. */
const PATIENT = { SPEKE_DEADLINE_MS: '29000', BUS_PATIENCE: '30' };

/** The gateway itself on a free port, with small answerers for all that it asks, on a bus in memory. */
export async function startGateway(
  environment: Record<string, string> = {},
  options: { answerers?: boolean; hub?: MemoryHub } = {},
): Promise<TestGateway> {
  const hub = options.hub ?? new MemoryHub();
  const written: string[] = [];
  const env = { SPEKE_PORT: '0', LOG_LEVEL: 'debug', ...PATIENT, ...environment };
  const logger = createLogger('speke-gateway', env, { write: (line: string) => void written.push(line) });
  const context = { ...createContext('speke-gateway', env), logger };
  const answererContext = createContext('answerers', { LOG_LEVEL: 'silent', ...PATIENT });
  const bus = hub.connect(answererContext);
  const answerers = options.answerers === false ? undefined : await startAnswerers(bus, answererContext);
  const connection = hub.connect(context);
  const service: RunningService = await startSpekeGateway(context, connection);
  return {
    url: service.url ?? '',
    bus,
    hub,
    log: () => written.join(''),
    lines: () => written.map((line) => JSON.parse(line) as Record<string, unknown>),
    close: async () => {
      await service.close();
      await answerers?.close();
      await connection.close();
      await bus.close();
    },
  };
}

/** A tenants file of these tenants, in JSON, which is YAML. */
export function tenantsFile(...tenants: object[]): string {
  const path = join(temporaryDirectory(), 'tenants.yaml');
  writeFileSync(path, JSON.stringify({ tenants }));
  return path;
}
