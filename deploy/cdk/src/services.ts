/** What each service is given on ECS. The gateway and key-delivery face the outside; only key-service touches keys at rest. */
export interface ServiceShape {
  readonly cpu: 256 | 512 | 1024;
  readonly memoryLimitMiB: 512 | 1024 | 2048;
  /** The HTTP port it listens on: its own, or the health port of a service without HTTP. */
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  /** On a request's way, it scales; others run one or two. */
  readonly scales: boolean;
}

const HEALTH_ONLY = { port: 9090, environment: { HEALTH_PORT: '9090', HEALTH_HOST: '0.0.0.0' } } as const;
const SIGNALING: ServiceShape = { cpu: 256, memoryLimitMiB: 512, scales: true, ...HEALTH_ONLY };

export const SERVICES = {
  'speke-gateway': {
    cpu: 512,
    memoryLimitMiB: 1024,
    port: 8080,
    environment: { SPEKE_PORT: '8080', SPEKE_HOST: '0.0.0.0' },
    scales: true,
  },
  'key-service': { cpu: 512, memoryLimitMiB: 1024, scales: true, ...HEALTH_ONLY },
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
  },
  monitor: {
    cpu: 512,
    memoryLimitMiB: 1024,
    port: 8082,
    environment: { CONSOLE_PORT: '8082', CONSOLE_HOST: '0.0.0.0' },
    scales: false,
  },
} as const satisfies Record<string, ServiceShape>;

export type ServiceName = keyof typeof SERVICES;
export const SERVICE_NAMES = Object.keys(SERVICES) as ServiceName[];
