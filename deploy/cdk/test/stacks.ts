import { App, type Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { temporaryDirectory } from '@latchkey/testing';
import { readInstallation } from '../src/config';
import { installLatchkey } from '../src/installation';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
  readonly DeletionPolicy?: string;
}

/** The templates of an installation, by part. Nothing of it asks the network. */
export function templatesOf(chosen: object = {}) {
  const stacks = installLatchkey(
    new App({ outdir: temporaryDirectory(), context: { 'aws:cdk:disable-stack-trace': true } }),
    readInstallation({ LATCHKEY_CDK_CONFIG: JSON.stringify({ region: 'eu-west-1', ...chosen }) }),
  );
  return Object.fromEntries(
    Object.entries(stacks).map(([part, stack]) => [part, Template.fromStack(stack as Stack)]),
  ) as {
    readonly [Part in keyof typeof stacks]: Template;
  };
}

export type Templates = ReturnType<typeof templatesOf>;

export function resources(template: Template, type?: string): readonly (Resource & { readonly id: string })[] {
  const all = template.toJSON()['Resources'] as Record<string, Resource>;
  return Object.entries(all)
    .map(([id, resource]) => ({ id, ...resource }))
    .filter((resource) => type === undefined || resource.Type === type);
}

export interface Container {
  readonly Name: string;
  readonly Image: unknown;
  readonly User?: string;
  readonly Command?: readonly string[];
  readonly ReadonlyRootFilesystem?: boolean;
  readonly Environment?: readonly { readonly Name: string; readonly Value: unknown }[];
  readonly Secrets?: readonly { readonly Name: string; readonly ValueFrom: unknown }[];
  readonly HealthCheck?: { readonly Command: readonly string[] };
  readonly MountPoints?: readonly { readonly ContainerPath: string; readonly ReadOnly: boolean }[];
}

/** All containers, by `<task>/<name>`. */
export function containers(template: Template): ReadonlyMap<string, Container> {
  return new Map(
    resources(template, 'AWS::ECS::TaskDefinition').flatMap(({ id, Properties }) =>
      (Properties['ContainerDefinitions'] as Container[]).map(
        (container) => [`${id.replace(/Task[0-9A-F]{8}$/, '')}/${container.Name}`, container] as const,
      ),
    ),
  );
}

export interface Statement {
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

/** What roles may do, policy by policy; key and resource policies are not among them. */
export function statements(template: Template): readonly (Statement & { readonly policy: string })[] {
  const policies = resources(template, 'AWS::IAM::Policy').map(({ id, Properties }) => ({ id, ...Properties }));
  const inline = resources(template, 'AWS::IAM::Role').flatMap(({ id, Properties }) =>
    ((Properties['Policies'] ?? []) as { PolicyDocument: unknown }[]).map((policy) => ({ id, ...policy })),
  );
  return [...policies, ...inline].flatMap((policy) =>
    (policy as unknown as { PolicyDocument: { Statement: Statement[] } }).PolicyDocument.Statement.map((statement) => ({
      ...statement,
      policy: policy.id.replace(/[0-9A-F]{8}$/, ''),
    })),
  );
}

export function list(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).map((each: unknown) =>
    typeof each === 'string' ? each : JSON.stringify(each),
  );
}
