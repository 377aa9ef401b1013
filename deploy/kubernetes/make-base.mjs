// `node deploy/kubernetes/make-base.mjs`: writes base/<service>.yaml, one for each row of SERVICES. They are alike but for
// this table, and by hand they would not stay so; tools/test/kubernetes.test.ts holds that they are what this makes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Document } from 'yaml';

const HEALTH_PORT = 9464;
/** `node` of the image (deploy/docker/Dockerfile). */
const USER = 1000;
const BUS = '/etc/latchkey/bus';
const TENANTS = '/etc/latchkey/tenants';
const OWN = '/etc/latchkey/own';

/**
 * port: what it answers on besides health. scales: it is on a request's way. tenants: it reads the tenants file.
 * secretFiles, secretVariables: from the secret of its own name, by the variable that is told.
 */
export const SERVICES = {
  'speke-gateway': {
    port: 8080,
    cpu: '500m',
    memory: '512Mi',
    scales: true,
    tenants: true,
    environment: { SPEKE_HOST: '0.0.0.0' },
    secretFiles: { CREDENTIALS_KEY_FILE: 'credentials.key' },
    secretVariables: { AWS_ROLE_DOOR_SECRET: 'door-secret' },
  },
  'key-service': { cpu: '500m', memory: '512Mi', scales: true, tenants: true, settings: 'key-service' },
  'signaling-widevine': { cpu: '100m', memory: '256Mi', scales: true, tenants: true },
  'signaling-playready': { cpu: '100m', memory: '256Mi', scales: true, tenants: true },
  'signaling-fairplay': { cpu: '100m', memory: '256Mi', scales: true, tenants: true },
  'signaling-clearkey': { cpu: '100m', memory: '256Mi', scales: true, tenants: true, settings: 'signaling-clearkey' },
  'key-delivery': {
    port: 8081,
    cpu: '500m',
    memory: '512Mi',
    scales: true,
    tenants: true,
    environment: { DELIVERY_HOST: '0.0.0.0' },
  },
  monitor: {
    port: 8082,
    cpu: '250m',
    memory: '512Mi',
    scales: false,
    tenants: false,
    settings: 'monitor',
    environment: {
      CONSOLE_HOST: '0.0.0.0',
      CONSOLE_READINESS_URLS:
        'speke-gateway=http://speke-gateway:8080/readyz,key-delivery=http://key-delivery:8081/readyz',
    },
    secretFiles: { CONSOLE_ACCESS_FILE: 'console-access.yaml' },
  },
};

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const name of Object.keys(SERVICES)) {
    writeFileSync(join(fileURLToPath(new URL('.', import.meta.url)), 'base', `${name}.yaml`), manifestsOf(name));
  }
}

/** All objects of one service, as text. */
export function manifestsOf(name) {
  const row = SERVICES[name];
  const objects = [
    serviceAccount(name),
    deployment(name, row),
    ...(row.port ? [service(name, row)] : []),
    ...(row.scales ? [disruptionBudget(name), autoscaler(name)] : []),
  ];
  const texts = objects.map((object) => new Document(object).toString({ lineWidth: 0, singleQuote: true }));
  return `# Made by make-base.mjs: change it there.\n${texts.join('---\n')}`;
}

function labels(name) {
  return { 'app.kubernetes.io/name': name, 'app.kubernetes.io/part-of': 'latchkey' };
}

/** Its name is what IRSA (an annotation) and Pod Identity (an association) go by. It has no business with Kubernetes' own API. */
function serviceAccount(name) {
  return {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { name, labels: labels(name) },
    automountServiceAccountToken: false,
  };
}

function deployment(name, row) {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name, labels: labels(name) },
    spec: {
      // Where it scales, how many is the autoscaler's to say.
      ...(row.scales ? {} : { replicas: 1 }),
      selector: { matchLabels: { 'app.kubernetes.io/name': name } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: {
        metadata: {
          labels: labels(name),
          annotations: { 'prometheus.io/scrape': 'true', 'prometheus.io/port': String(HEALTH_PORT) },
        },
        spec: podSpec(name, row),
      },
    },
  };
}

function podSpec(name, row) {
  return {
    serviceAccountName: name,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    terminationGracePeriodSeconds: 20,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: USER,
      runAsGroup: USER,
      fsGroup: USER,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    topologySpreadConstraints: ['topology.kubernetes.io/zone', 'kubernetes.io/hostname'].map((topologyKey) => ({
      maxSkew: 1,
      topologyKey,
      whenUnsatisfiable: 'ScheduleAnyway',
      labelSelector: { matchLabels: { 'app.kubernetes.io/name': name } },
    })),
    containers: [container(name, row)],
    volumes: [
      { name: 'bus', secret: { secretName: `${name}-bus`, defaultMode: 0o440 } },
      ...(row.tenants ? [{ name: 'tenants', secret: { secretName: 'tenants', defaultMode: 0o440 } }] : []),
      ...(row.secretFiles ? [{ name: 'own', secret: { secretName: name, defaultMode: 0o440 } }] : []),
    ],
  };
}

function container(name, row) {
  return {
    name,
    image: `latchkey/${name}`,
    ports: [
      ...(row.port ? [{ name: 'http', containerPort: row.port }] : []),
      { name: 'health', containerPort: HEALTH_PORT },
    ],
    envFrom: ['latchkey', ...(row.settings ? [row.settings] : [])].map((settings) => ({
      configMapRef: { name: settings },
    })),
    env: environment(row),
    startupProbe: probe('/healthz', { periodSeconds: 1, failureThreshold: 60 }),
    livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 3 }),
    readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 2 }),
    resources: { requests: { cpu: row.cpu, memory: row.memory }, limits: { memory: row.memory } },
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    },
    volumeMounts: [
      { name: 'bus', mountPath: BUS, readOnly: true },
      ...(row.tenants ? [{ name: 'tenants', mountPath: TENANTS, readOnly: true }] : []),
      ...(row.secretFiles ? [{ name: 'own', mountPath: OWN, readOnly: true }] : []),
    ],
  };
}

function environment(row) {
  const plain = {
    NATS_NKEY_SEED_FILE: `${BUS}/seed`,
    NATS_TLS_CA: `${BUS}/ca.pem`,
    ...(row.tenants ? { TENANTS_FILE: `${TENANTS}/tenants.yaml` } : {}),
    // As long as balancers take to see that a pod is leaving, it goes on answering.
    ...(row.port ? { SHUTDOWN_DELAY_MS: '5000' } : {}),
    ...row.environment,
    ...Object.fromEntries(Object.entries(row.secretFiles ?? {}).map(([variable, key]) => [variable, `${OWN}/${key}`])),
  };
  const secret = Object.entries(row.secretVariables ?? {}).map(([variable, key]) => ({
    name: variable,
    valueFrom: { secretKeyRef: { name: 'speke-gateway', key, optional: true } },
  }));
  return [...Object.entries(plain).map(([variable, value]) => ({ name: variable, value })), ...secret];
}

function probe(path, timing) {
  return { httpGet: { path, port: 'health' }, timeoutSeconds: 2, ...timing };
}

function service(name, row) {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, labels: labels(name) },
    spec: {
      selector: { 'app.kubernetes.io/name': name },
      ports: [{ name: 'http', port: row.port, targetPort: 'http' }],
    },
  };
}

function disruptionBudget(name) {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: { name, labels: labels(name) },
    spec: { maxUnavailable: 1, selector: { matchLabels: { 'app.kubernetes.io/name': name } } },
  };
}

function autoscaler(name) {
  return {
    apiVersion: 'autoscaling/v2',
    kind: 'HorizontalPodAutoscaler',
    metadata: { name, labels: labels(name) },
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
      ],
    },
  };
}
