import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { parse, parseAllDocuments } from 'yaml';

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

type Json = Record<string, unknown>;

interface Kustomization {
  readonly namespace?: string;
  readonly resources?: readonly string[];
  readonly components?: readonly string[];
  readonly configMapGenerator?: readonly { name: string; behavior?: 'merge'; literals?: readonly string[] }[];
  readonly images?: readonly { name: string; newName?: string; newTag?: string }[];
  readonly patches?: readonly { path?: string; patch?: string; target?: { kind?: string; name?: string } }[];
}

const KNOWN = new Set<string>([
  ...['apiVersion', 'kind', 'namespace', 'resources', 'components', 'configMapGenerator', 'images', 'patches'],
]);

/**
 * What `kubectl kustomize` makes of a folder, as far as deploy/kubernetes uses it, and without hashes in names: kubectl is no part
 * of Debian. Where it is installed, a test compares the two. Throws for what it does not know.
 */
export function kustomize(folder: string): Manifest[] {
  return accumulate(folder, []) as unknown as Manifest[];
}

function accumulate(folder: string, given: Json[]): Json[] {
  const kustomization = parse(readFileSync(join(folder, 'kustomization.yaml'), 'utf8')) as Kustomization;
  const unknown = Object.keys(kustomization).filter((key) => !KNOWN.has(key));
  if (unknown.length > 0) throw new Error(`${folder}: ${unknown.join()} of kustomize is not known here`);
  const { resources = [], components = [], configMapGenerator = [], patches = [] } = kustomization;
  let manifests = [...given, ...resources.flatMap((path) => resource(join(folder, path)))];
  for (const component of components) manifests = accumulate(join(folder, component), manifests);
  for (const map of configMapGenerator) manifests = withConfigMap(manifests, map);
  for (const patch of patches) {
    const text = patch.patch ?? readFileSync(join(folder, patch.path ?? ''), 'utf8');
    for (const document of parseAllDocuments(text)) manifests = patched(manifests, document.toJS(), patch.target);
  }
  return manifests.map((manifest) => named(manifest, kustomization));
}

function resource(path: string): Json[] {
  if (existsSync(join(path, 'kustomization.yaml'))) return accumulate(path, []);
  return parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS() as Json);
}

function withConfigMap(
  manifests: Json[],
  { name, behavior, literals = [] }: NonNullable<Kustomization['configMapGenerator']>[0],
) {
  const own = Object.fromEntries(literals.map((literal) => literal.split(/=(.*)/s, 2)));
  const before = manifests.find((each) => each['kind'] === 'ConfigMap' && nameOf(each) === name);
  if ((before !== undefined) !== (behavior === 'merge')) throw new Error(`config map ${name} is there, or is not`);
  const data = { ...(before?.['data'] as object | undefined), ...own };
  const map = {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name },
    ...(Object.keys(data).length > 0 && { data }),
  };
  return [...manifests.filter((each) => each !== before), map];
}

function patched(manifests: Json[], patch: unknown, target: { kind?: string; name?: string } | undefined): Json[] {
  const wanted = target ?? { kind: String((patch as Json)['kind']), name: nameOf(patch as Json) };
  const meant = manifests.filter(
    (each) => fits(wanted.kind, String(each['kind'])) && fits(wanted.name, String(nameOf(each))),
  );
  if (meant.length === 0) throw new Error(`a patch is for nothing that is there: ${JSON.stringify(wanted)}`);
  return manifests.flatMap((each) => {
    if (!meant.includes(each)) return [each];
    if (Array.isArray(patch)) return [jsonPatched(each, patch as JsonOperation[])];
    if ((patch as Json)['$patch'] === 'delete') return [];
    const { apiVersion: _, kind: __, metadata, ...rest } = patch as Json;
    const { name: ___, ...more } = metadata as Json;
    return [merged(each, { ...rest, metadata: more }) as Json];
  });
}

function fits(pattern: string | undefined, text: string): boolean {
  return pattern === undefined || new RegExp(`^(?:${pattern})$`).test(text);
}

interface JsonOperation {
  readonly op: string;
  readonly path: string;
  readonly value?: unknown;
}

/** RFC 6902, as far as it is used. */
function jsonPatched(manifest: Json, operations: readonly JsonOperation[]): Json {
  const result = structuredClone(manifest);
  for (const { op, path, value } of operations) {
    const steps = path.slice(1).split('/');
    const last = steps.pop() ?? '';
    const parent = steps.reduce((at, step) => at[step] as Json, result);
    if (op === 'test') {
      if (!isDeepStrictEqual(parent[last], value)) throw new Error(`${nameOf(manifest)}: ${path} is not ${value}`);
    } else if (op === 'remove' && Array.isArray(parent)) parent.splice(Number(last), 1);
    else if (op === 'add' && Array.isArray(parent) && last === '-') parent.push(value);
    else throw new Error(`${op} of ${path} is not known here`);
  }
  return result;
}

/** By what the elements of a list are told apart; other lists are replaced. The patch strategies of Kubernetes' OpenAPI. */
const MERGE_KEYS: Readonly<Record<string, string>> = {
  containers: 'name',
  env: 'name',
  volumeMounts: 'mountPath',
  volumes: 'name',
};

/** A strategic merge patch. */
function merged(base: unknown, patch: unknown, field = ''): unknown {
  if (Array.isArray(patch)) return mergedList((base ?? []) as Json[], patch as Json[], MERGE_KEYS[field]);
  if (typeof patch !== 'object' || patch === null) return patch;
  const result: Json = { ...(base as Json | undefined) };
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) throw new Error(`${key} is not known here`);
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value, key);
  }
  return result;
}

function mergedList(base: Json[], patch: Json[], key: string | undefined): unknown[] {
  if (key === undefined) return patch;
  const of = (element: Json) => patch.find((change) => change[key] === element[key]);
  const kept = base.filter((element) => of(element)?.['$patch'] !== 'delete');
  const added = patch.filter((change) => !base.some((element) => element[key] === change[key]));
  return [...added, ...kept.map((element) => (of(element) ? merged(element, of(element)) : element))];
}

function named(manifest: Json, { namespace, images = [] }: Kustomization): Json {
  const metadata = manifest['metadata'] as Json;
  const placed = namespace === undefined || manifest['kind'] === 'Namespace' ? metadata : { ...metadata, namespace };
  const result = structuredClone({ ...manifest, metadata: placed });
  for (const container of containersOf(result)) {
    const image = images.find(({ name }) => container.image.split(':')[0] === name);
    const tag = image?.newTag ?? container.image.split(':')[1];
    if (image) container.image = `${image.newName ?? image.name}${tag === undefined ? '' : `:${tag}`}`;
  }
  return result;
}

function containersOf(manifest: Json): { image: string }[] {
  const { spec } = manifest as { spec?: { template?: { spec?: { containers?: { image: string }[] } } } };
  return spec?.template?.spec?.containers ?? [];
}

function nameOf(manifest: Json): string | undefined {
  return (manifest['metadata'] as { name?: string } | undefined)?.name;
}
