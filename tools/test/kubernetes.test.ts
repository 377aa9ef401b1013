import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryDirectory } from '@latchkey/testing';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2/HorizontalPodAutoscaler';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { PersistentVolumeClaim } from 'kubernetes-models/v1/PersistentVolumeClaim';
import { Service } from 'kubernetes-models/v1/Service';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import { parse, parseAllDocuments } from 'yaml';
import { knownVariables } from './known-variables';
import { kustomize, type Manifest } from './kustomize';

const ROOT = join(__dirname, '../..');
const KUBERNETES = join(ROOT, 'deploy/kubernetes');
const APPS = readdirSync(join(ROOT, 'apps')).filter((name) => name !== 'standalone');
const OVERLAYS = ['eks', 'dev'] as const;
const KUBECTL = kubectlHasKustomize();

/** Kubernetes' own OpenAPI schemas. */
const MODELS: Readonly<Record<string, new (data: never) => { validate(): void }>> = {
  'apps/v1 Deployment': Deployment,
  'autoscaling/v2 HorizontalPodAutoscaler': HorizontalPodAutoscaler,
  'networking.k8s.io/v1 NetworkPolicy': NetworkPolicy,
  'policy/v1 PodDisruptionBudget': PodDisruptionBudget,
  'v1 ConfigMap': ConfigMap,
  'v1 Namespace': Namespace,
  'v1 PersistentVolumeClaim': PersistentVolumeClaim,
  'v1 Service': Service,
  'v1 ServiceAccount': ServiceAccount,
};
/** Of operators: without a schema here, and named so that nothing slips by. */
const FOREIGN = new Set(['external-secrets.io/v1 ExternalSecret']);

interface Pod {
  readonly securityContext: object;
  readonly serviceAccountName: string;
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string; readonly secret?: { readonly secretName: string } }[];
}

interface Container {
  readonly image: string;
  readonly env: readonly { readonly name: string; readonly value?: string }[];
  readonly envFrom: readonly { readonly configMapRef: { readonly name: string } }[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly securityContext: object;
  readonly resources: object;
  readonly livenessProbe: object;
  readonly readinessProbe: object;
}

describe('deploy/kubernetes/base', () => {
  const base = manifestsIn(join(KUBERNETES, 'base'));

  it('is what make-base.mjs makes', () => {
    const script = `import('${join(KUBERNETES, 'make-base.mjs')}').then(({ SERVICES, manifestsOf }) =>
      process.stdout.write(JSON.stringify(Object.fromEntries(Object.keys(SERVICES).map((name) => [name, manifestsOf(name)])))))`;
    const made = JSON.parse(spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' }).stdout) as Record<
      string,
      string
    >;
    expect(Object.keys(made).sort()).toEqual([...APPS].sort());
    for (const [name, text] of Object.entries(made)) {
      expect([name, readFileSync(join(KUBERNETES, `base/${name}.yaml`), 'utf8')]).toEqual([name, text]);
    }
  });

  it('is right by Kubernetes’ schemas', () => expectValid(base));

  it('runs each service as nobody, on a file system that it cannot write, with probes, limits and an account of its own', () => {
    for (const { metadata, pod } of deployments(base)) {
      expect([metadata.name, pod]).toEqual([
        metadata.name,
        expect.objectContaining({
          serviceAccountName: metadata.name,
          automountServiceAccountToken: false,
          securityContext: expect.objectContaining({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } }),
        }),
      ]);
      expect(pod.containers[0]).toMatchObject({
        securityContext: {
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ['ALL'] },
        },
        livenessProbe: { httpGet: { path: '/healthz' } },
        readinessProbe: { httpGet: { path: '/readyz' } },
        resources: { requests: { cpu: expect.any(String) }, limits: { memory: expect.any(String) } },
      });
    }
    expect(
      deployments(base)
        .map(({ metadata }) => metadata.name)
        .sort(),
    ).toEqual([...APPS].sort());
  });

  it('keeps what is on a request’s way going while nodes are drained, and lets it grow', () => {
    const onTheWay = APPS.filter((name) => name !== 'monitor').sort();
    for (const kind of ['PodDisruptionBudget', 'HorizontalPodAutoscaler']) {
      expect(
        base
          .filter((each) => each.kind === kind)
          .map(({ metadata }) => metadata.name)
          .sort(),
      ).toEqual(onTheWay);
    }
  });

  it('allows no traffic but the arrows of the architecture', () => {
    const policies = base.filter(({ kind }) => kind === 'NetworkPolicy');
    const none = policies.find(({ metadata }) => metadata.name === 'nothing-unless-allowed');
    expect(none?.spec).toEqual({
      podSelector: { matchLabels: { 'app.kubernetes.io/part-of': 'latchkey' } },
      policyTypes: ['Ingress', 'Egress'],
    });
    const toAws = policies.find(({ metadata }) => metadata.name === 'to-aws');
    expect(JSON.stringify(toAws?.spec?.['podSelector'])).toContain('["key-service","monitor"]');
    for (const { metadata, spec } of policies.filter((policy) => policy !== none)) {
      const rules = [
        ...((spec?.['ingress'] ?? []) as { from: unknown[] }[]),
        ...((spec?.['egress'] ?? []) as { to: unknown[] }[]),
      ];
      for (const rule of rules) {
        const peers = 'from' in rule ? rule.from : rule.to;
        expect([metadata.name, peers.length]).toEqual([metadata.name, 1]);
        expect(rule).toHaveProperty('ports');
      }
    }
  });

  it('never opens a door to whoever comes', () => {
    expect(JSON.stringify(base)).not.toMatch(/ALLOW_UNAUTHENTICATED|ALLOW_OPEN|FAIL_OPEN/);
  });
});

describe.each(OVERLAYS)('deploy/kubernetes/overlays/%s', (overlay) => {
  const folder = join(KUBERNETES, 'overlays', overlay);
  const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization;

  it('names files that are there, and patches objects that are there', () => {
    const base = manifestsIn(join(KUBERNETES, 'base')).map(nameOf);
    for (const resource of kustomization.resources)
      expect([resource, existsSync(join(folder, resource))]).toEqual([resource, true]);
    for (const { path, target } of kustomization.patches) {
      if (!path || target) continue;
      for (const patch of documents(join(folder, path))) expect(base).toContain(nameOf(patch));
    }
  });

  it('sets the image of every service', () => {
    expect(kustomization.images.map(({ name }) => name).sort()).toEqual(APPS.map((name) => `latchkey/${name}`).sort());
  });

  describe('as kubectl kustomize makes it', () => {
    const rendered = kustomize(folder);

    comparedWithKubectl(folder);

    it('is right by Kubernetes’ schemas', () => expectValid(rendered));

    it('tells services nothing that they do not read', () => {
      for (const { metadata, pod } of deployments(rendered)) {
        const known = knownVariables(metadata.name);
        const [container] = pod.containers;
        const maps = container.envFrom.map(({ configMapRef }) => configMap(rendered, configMapRef.name));
        expect(maps).not.toContain(undefined);
        const told = [...container.env.map(({ name }) => name), ...maps.flatMap((map) => Object.keys(map?.data ?? {}))];
        expect([metadata.name, told.filter((name) => !known(name))]).toEqual([metadata.name, []]);
      }
    });

    it('mounts volumes that there are, and files under them', () => {
      for (const { metadata, pod } of deployments(rendered)) {
        const [{ volumeMounts, env }] = pod.containers;
        expect([metadata.name, volumeMounts.map(({ name }) => name).sort()]).toEqual([
          metadata.name,
          pod.volumes.map(({ name }) => name).sort(),
        ]);
        const files = env.filter(({ value }) => value?.startsWith('/etc/latchkey/'));
        for (const { value = '' } of files)
          expect(volumeMounts.map(({ mountPath }) => mountPath)).toContain(value.replace(/\/[^/]+$/, ''));
      }
    });

    if (overlay !== 'eks') return;
    it('finds every secret in one that External Secrets makes', () => {
      const made = rendered.filter(({ kind }) => kind === 'ExternalSecret').map(({ metadata }) => metadata.name);
      const wanted = deployments(rendered).flatMap(({ pod }) =>
        pod.volumes.flatMap(({ secret }) => secret?.secretName ?? []),
      );
      expect(made).toEqual(expect.arrayContaining(wanted));
    });
  });
});

describe('the components of deploy/kubernetes, in the EKS overlay', () => {
  const folder = join(withComponents(), 'overlays/eks');
  const rendered = kustomize(folder);
  const podOf = (name: string) => deployments(rendered).find(({ metadata }) => metadata.name === name)?.pod as Pod;
  const readers = APPS.filter((name) => name !== 'monitor');

  comparedWithKubectl(folder);

  it('are right by Kubernetes’ schemas', () => expectValid(rendered));

  // issue 8, 2: tenants as DynamoDB rows
  it.each(readers)('tell %s the table, and no file', (name) => {
    const { containers, volumes } = podOf(name);
    const [{ env, envFrom, volumeMounts }] = containers;
    expect(env.map((each) => each.name)).not.toContain('TENANTS_FILE');
    expect([...volumes, ...volumeMounts].map((each) => each.name)).not.toContain('tenants');
    const maps = envFrom.map(({ configMapRef }) => configMap(rendered, configMapRef.name));
    const told = Object.assign({}, ...maps.map((map) => map?.data)) as Record<string, string>;
    expect(told).toMatchObject({ TENANTS_TABLE: expect.any(String), AWS_REGION: expect.any(String) });
    const known = knownVariables(name);
    expect(Object.keys(told).filter((variable) => !known(variable))).toEqual([]);
  });

  it('let all those and nobody else out to DynamoDB', () => {
    const policy = rendered.find(({ metadata }) => metadata.name === 'tenants-from-dynamodb');
    const selector = policy?.spec?.['podSelector'] as { matchExpressions: [{ values: string[] }] } | undefined;
    expect([...(selector?.matchExpressions[0].values ?? [])].sort()).toEqual([...readers].sort());
  });

  it('give the monitor its bridges as a file of its secret', () => {
    const [{ env, volumeMounts }] = podOf('monitor').containers;
    expect(env).toContainEqual({ name: 'BRIDGES_FILE', value: '/etc/latchkey/own/bridges.yaml' });
    expect(volumeMounts).toContainEqual(expect.objectContaining({ mountPath: '/etc/latchkey/own' }));
    const secret = rendered.find(({ kind, metadata }) => kind === 'ExternalSecret' && metadata.name === 'monitor');
    expect(JSON.stringify(secret?.spec)).toContain('"secretKey":"bridges.yaml"');
  });
});

/** A copy in which the overlay's components are not commented out. */
function withComponents(): string {
  const folder = temporaryDirectory();
  cpSync(KUBERNETES, folder, { recursive: true });
  const file = join(folder, 'overlays/eks/kustomization.yaml');
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replace(/^# (components:|  - \.\.\/\.\.\/components)/gm, '$1'));
  return folder;
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly images: readonly { readonly name: string }[];
  readonly patches: readonly { readonly path?: string; readonly target?: object }[];
}

function expectValid(manifests: readonly Manifest[]): void {
  expect(manifests.length).toBeGreaterThan(10);
  for (const manifest of manifests) {
    const kind = `${manifest.apiVersion} ${manifest.kind}`;
    const Model = MODELS[kind];
    expect([kind, Model !== undefined || FOREIGN.has(kind)]).toEqual([kind, true]);
    if (Model) new Model(manifest as never).validate();
  }
}

function deployments(manifests: readonly Manifest[]) {
  return manifests
    .filter(({ kind }) => kind === 'Deployment')
    .map(({ metadata, spec }) => ({ metadata, pod: (spec as unknown as { template: { spec: Pod } }).template.spec }));
}

function configMap(manifests: readonly Manifest[], name: string): Manifest | undefined {
  return manifests.find(({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === name);
}

function manifestsIn(folder: string): Manifest[] {
  const { resources } = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization;
  return resources.flatMap((file) => documents(join(folder, file)));
}

function documents(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Manifest);
}

function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata.name}`;
}

/** Where kubectl is installed with kustomize 5 in it; what Debian 12 calls kubernetes-client is older. */
function comparedWithKubectl(folder: string): void {
  if (!KUBECTL) return;
  it('is here what kubectl makes of it', () => {
    const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', folder], { encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    const theirs = parseAllDocuments(stdout).map((document) => document.toJS() as Manifest);
    expect(inOrder(withoutHashes(kustomize(folder)))).toEqual(inOrder(withoutHashes(theirs)));
  });
}

function inOrder(manifests: readonly Manifest[]): readonly Manifest[] {
  return [...manifests].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Names of config maps end with a hash of their content, which is kubectl's affair. */
function withoutHashes(manifests: readonly Manifest[]): readonly Manifest[] {
  const text = JSON.stringify(manifests);
  const maps = manifests.filter(({ kind }) => kind === 'ConfigMap').map(({ metadata }) => metadata.name);
  const bare = maps.reduce((all, name) => all.replaceAll(`"${name}"`, `"${name.replace(/-[a-z0-9]{10}$/, '')}"`), text);
  return JSON.parse(bare) as Manifest[];
}

function kubectlHasKustomize(): boolean {
  const { status, stdout } = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
  if (status === 0 && /Kustomize Version: v[5-9]/.test(stdout)) return true;
  console.warn('kubectl 1.27 or newer is not installed: what kustomize would make is not compared with it');
  return false;
}
