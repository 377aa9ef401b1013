/** What each service is given on ECS. The gateway and key-delivery face the outside; only key-service touches keys at rest. */
export interface ServiceShape {
  readonly cpu: 256 | 512 | 1024;
  readonly memoryLimitMiB: 512 | 1024 | 2048;
  /** What it answers on besides health, if it speaks HTTP. */
  readonly port?: number;
  readonly environment: Readonly<Record<string, string>>;
  /** On a request's way, it scales; others run one. */
  readonly scales: boolean;
  /** Whether it reads tenants. */
  readonly tenants: boolean;
}

/** Of every image: /healthz, /readyz and /metrics, for the inside (deploy/docker/Dockerfile). */
export const HEALTH_PORT = 9464;
const SIGNALING: ServiceShape = { cpu: 256, memoryLimitMiB: 512, environment: {}, scales: true, tenants: true };

export const SERVICES = {
  'speke-gateway': {
    cpu: 512,
    memoryLimitMiB: 1024,
    port: 8080,
    environment: { SPEKE_PORT: '8080', SPEKE_HOST: '0.0.0.0' },
    scales: true,
    tenants: true,
  },
  'key-service': { cpu: 512, memoryLimitMiB: 1024, environment: {}, scales: true, tenants: true },
  'signaling-widevine': SIGNALING,
  'signaling-playready': SIGNALING,
  'signaling-fairplay': SIGNALING,
  'signaling-clearkey': SIGNALING,
  'key-delivery': {
    cpu: 512,
    memoryLimitMiB: 1024,
    port: 8081,
    environment: { DELIVERY_PORT: '8081', DELIVERY_HOST: '0.0.0.0' },
    scales: true,
    tenants: true,
  },
  monitor: {
    cpu: 512,
    memoryLimitMiB: 1024,
    port: 8082,
    environment: { CONSOLE_PORT: '8082', CONSOLE_HOST: '0.0.0.0' },
    scales: false,
    tenants: false,
  },
} as const satisfies Record<string, ServiceShape>;

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];

export const TENANT_READERS = SERVICE_NAMES.filter((name) => SERVICES[name].tenants);

/** `speke-gateway` → `SpekeGateway`, for the names of constructs. */
export function pascal(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
}
