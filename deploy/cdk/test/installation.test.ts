import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { tenantsFileSchema } from '@latchkey/tenants';
import { temporaryDirectory, natsServerPresent } from '@latchkey/testing';
import { knownVariables } from '../../../tools/test/known-variables';
import { readInstallation } from '../src/config';
import { installLatchkey } from '../src/installation';
import { SERVICE_NAMES, pascal } from '../src/services';
import { containers, list, resources, statements, templatesOf, type Templates } from './stacks';

const ROOT = join(__dirname, '../../..');
const SECRET = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:kept-AbCdEf';
let templates: Templates;

beforeAll(() => {
  templates = templatesOf();
});

describe('the installation', () => {
  it('is synthesised offline, and nothing that cdk-nag or CloudFormation’s schemas find is left unexplained', () => {
    const app = new App({ outdir: temporaryDirectory() });
    installLatchkey(app, readInstallation({}));
    expect(app.synth().stacks.map(({ stackName }) => stackName)).toHaveLength(5);
  });

  it.each(['network', 'vault', 'runtime', 'door', 'watch'] as const)('makes these resources: %s', (part) => {
    expect(
      resources(templates[part])
        .map(({ id, Type }) => `${Type} ${id.replace(/[0-9A-F]{8}$/, '')}`)
        .sort(),
    ).toMatchSnapshot();
  });

  it('says what is wrong with a configuration', () => {
    const read = (chosen: object) => () => readInstallation({ LATCHKEY_CDK_CONFIG: JSON.stringify(chosen) });
    expect(read({ natsUrl: 'nats://nats:4222' })).toThrow('tls://');
    expect(read({ tasks: { min: 3, max: 2 } })).toThrow('min is more than max');
    expect(read({ encryptors: ['medialive'] })).toThrow('encryptors');
    expect(read({ tenantsTable: true, tenantsSecretArn: SECRET })).toThrow('in a table or in a secret');
    expect(read({ bridges: { secretArn: SECRET, eventBuses: ['a bus'] } })).toThrow('event bus');
    expect(read({ oops: true })).toThrow('oops');
  });
});

describe('keys at rest', () => {
  it('lie in tables that can be brought back, are encrypted under a key of ours, and are not deleted by accident', () => {
    for (const { Properties, DeletionPolicy } of resources(templates.vault, 'AWS::DynamoDB::GlobalTable')) {
      expect(DeletionPolicy).toBe('Retain');
      expect(Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        SSESpecification: { SSEEnabled: true, SSEType: 'KMS' },
        Replicas: [
          {
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
            SSESpecification: { KMSMasterKeyId: expect.anything() },
          },
        ],
      });
    }
    templates.vault.resourceCountIs('AWS::DynamoDB::GlobalTable', 2);
  });

  it('end by time to live, and are found by key ID as the store asks', () => {
    const store = readFileSync(join(ROOT, 'apps/key-service/src/store/dynamodb-table.ts'), 'utf8');
    const named = (what: string) => new RegExp(`${what}[:=]? '?=? ?'([\\w-]+)'`).exec(store)?.[1];
    templates.vault.hasResourceProperties('AWS::DynamoDB::GlobalTable', {
      TimeToLiveSpecification: { AttributeName: named('expires'), Enabled: true },
      KeySchema: [
        { AttributeName: named('partition'), KeyType: 'HASH' },
        { AttributeName: named('sort'), KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        Match.objectLike({
          IndexName: named('BY_KEY_ID'),
          KeySchema: [{ AttributeName: named('keyId'), KeyType: 'HASH' }],
        }),
      ],
    });
  });

  it('are protected by two keys that rotate and outlive the stack', () => {
    const keys = resources(templates.vault, 'AWS::KMS::Key');
    expect(keys).toHaveLength(2);
    for (const key of keys) {
      expect(key).toMatchObject({
        DeletionPolicy: 'Retain',
        Properties: { EnableKeyRotation: true, PendingWindowInDays: 30 },
      });
    }
  });

  it('and their secrets stay when the stack goes', () => {
    for (const { DeletionPolicy } of resources(templates.vault, 'AWS::SecretsManager::Secret')) {
      expect(DeletionPolicy).toBe('Retain');
    }
    expect(JSON.stringify(templates.vault.toJSON())).not.toMatch(/BEGIN [A-Z ]*PRIVATE KEY|"SU[A-Z2-7]{56}/);
  });
});

describe('least privilege', () => {
  /** Actions that know no resources. */
  const WITHOUT_RESOURCE = new Set(['ecr:GetAuthorizationToken', 'xray:PutTraceSegments', 'xray:PutTelemetryRecords']);

  it('names every action, and the resource of each that has one', () => {
    for (const template of Object.values(templates)) {
      for (const { policy, Effect, Action, Resource } of statements(template)) {
        expect(Effect).toBe('Allow');
        for (const action of list(Action)) expect(`${policy} ${action}`).not.toContain('*');
        if (!list(Resource).includes('*')) continue;
        for (const action of list(Action)) expect([...WITHOUT_RESOURCE]).toContain(action);
      }
    }
  });

  it('gives each role this and nothing else', () => {
    const rights = Object.values(templates)
      .flatMap((template) => statements(template))
      .flatMap(({ policy, Action, Condition }) =>
        list(Action).map((action) => `${policy}: ${action}${Condition ? ` if ${JSON.stringify(Condition)}` : ''}`),
      );
    expect([...new Set(rights)].sort()).toMatchSnapshot();
  });

  it('lets key-service alone wrap and unwrap, and for a tenant and a purpose only', () => {
    const wrapping = statements(templates.runtime).filter(
      ({ Action, Condition }) =>
        list(Action).some((action) => action.startsWith('kms:')) &&
        JSON.stringify(Condition ?? {}).includes('EncryptionContext'),
    );
    expect(wrapping.map(({ policy }) => policy)).toEqual([expect.stringContaining('KeyServiceTask')]);
    expect(wrapping[0]?.Condition).toEqual({
      Null: { 'kms:EncryptionContext:tenant': 'false', 'kms:EncryptionContext:purpose': 'false' },
    });
  });

  it('gives key-service and the monitor the table actions that their code asks for, and not the making of tables', () => {
    const granted = (name: string) =>
      new Set(
        statements(templates.runtime)
          .filter(({ policy }) => policy.startsWith(`${pascal(name)}TaskTaskRole`))
          .flatMap(({ Action }) => list(Action))
          .filter((action) => action.startsWith('dynamodb:')),
      );
    expect(granted('key-service')).toEqual(actionsOf('key-service'));
    expect(granted('monitor')).toEqual(actionsOf('monitor'));
  });

  it('lets key-service delete and change in place what it has to, and no key, permit, revocation or secret', () => {
    const narrowed = statements(templates.runtime).filter(({ Condition }) =>
      JSON.stringify(Condition ?? {}).includes('dynamodb:LeadingKeys'),
    );
    const rows = ({ Condition }: (typeof narrowed)[number]) =>
      (Condition as Record<string, Record<string, string[]>>)['ForAllValues:StringLike']?.['dynamodb:LeadingKeys'];
    expect(narrowed.map((each) => [list(each.Action), rows(each)])).toEqual([
      [['dynamodb:BatchWriteItem'], ['A#*', 'K#*']],
      [['dynamodb:UpdateItem'], ['W#*']],
      [['dynamodb:DeleteItem'], ['D#*', 'W#*']],
    ]);
    // ForAllValues alone holds for a request without keys.
    for (const { Condition } of narrowed)
      expect(Condition).toMatchObject({ Null: { 'dynamodb:LeadingKeys': 'false' } });
  });

  it('gives no other service anything of DynamoDB or KMS', () => {
    for (const name of SERVICE_NAMES.filter((each) => each !== 'key-service' && each !== 'monitor')) {
      const role = statements(templates.runtime).filter(({ policy }) =>
        policy.startsWith(`${pascal(name)}TaskTaskRole`),
      );
      expect(role.flatMap(({ Action }) => list(Action))).toEqual(['xray:PutTraceSegments', 'xray:PutTelemetryRecords']);
    }
  });
});

describe('tasks', () => {
  it('never run as root, nor on a file system that they can write', () => {
    const all = containers(templates.runtime);
    expect(all.size).toBe(SERVICE_NAMES.length * 3 + 1);
    for (const [name, container] of all) {
      expect([name, container]).toEqual([
        name,
        expect.objectContaining({ User: '1000:1000', ReadonlyRootFilesystem: true }),
      ]);
    }
  });

  it('are told nothing that no program reads', () => {
    for (const name of SERVICE_NAMES) {
      const known = knownVariables(name);
      const told = containers(templates.runtime).get(`${pascal(name)}/service`);
      const names = [...(told?.Environment ?? []), ...(told?.Secrets ?? [])].map((variable) => variable.Name);
      expect(names.filter((each) => !known(each)).map((each) => `${name} does not read ${each}`)).toEqual([]);
      expect(names).toEqual(expect.arrayContaining(['NATS_URL', 'NATS_NKEY_SEED_FILE', 'NATS_TLS_CA', 'METRICS']));
    }
  });

  it('have no secret in a plain variable, and are never told to let in whoever comes', () => {
    for (const [name, { Environment = [] }] of containers(templates.runtime)) {
      for (const { Name, Value } of Environment) {
        expect(`${name} ${Name}`).not.toMatch(
          /ALLOW_UNAUTHENTICATED|ALLOW_OPEN|FAIL_OPEN|ACCESS_KEY|PASSWORD|TOKEN|_SECRET$/,
        );
        expect(JSON.stringify(Value)).not.toContain('resolve:secretsmanager');
      }
    }
    const gateway = containers(templates.runtime).get('SpekeGateway/service');
    expect(gateway?.Secrets?.map(({ Name }) => Name)).toEqual(['AWS_ROLE_DOOR_SECRET']);
  });

  it('get secrets as files from a container that may write nothing but these', () => {
    const gateway = containers(templates.runtime).get('SpekeGateway/files');
    expect(gateway?.Secrets?.map(({ Name }) => Name).sort()).toEqual([
      'CREDENTIALS_KEY_FILE',
      'NATS_NKEY_SEED_FILE',
      'NATS_TLS_CA',
      'TENANTS_FILE',
    ]);
    const service = containers(templates.runtime).get('SpekeGateway/service');
    expect(service?.MountPoints).toEqual([expect.objectContaining({ ContainerPath: '/run/latchkey', ReadOnly: true })]);
  });

  it('are asked whether they live by a file that the image has', () => {
    const dockerfile = readFileSync(join(ROOT, 'deploy/docker/Dockerfile'), 'utf8');
    expect(dockerfile).toContain('/app/healthcheck.js');
    expect(dockerfile).toContain('HEALTH_PORT=9464');
    expect(readdirSync(join(ROOT, 'deploy/docker'))).toContain('healthcheck.js');
    for (const name of SERVICE_NAMES) {
      expect(containers(templates.runtime).get(`${pascal(name)}/service`)?.HealthCheck?.Command).toEqual([
        'CMD',
        'node',
        '/app/healthcheck.js',
        'healthz',
      ]);
    }
  });

  it('scale where a request waits for them, and are rolled back when they do not start', () => {
    templates.runtime.resourceCountIs('AWS::ApplicationAutoScaling::ScalableTarget', SERVICE_NAMES.length - 1);
    for (const { Properties } of resources(templates.runtime, 'AWS::ECS::Service')) {
      expect(Properties).toMatchObject({
        DeploymentConfiguration: { DeploymentCircuitBreaker: { Enable: true, Rollback: true } },
        NetworkConfiguration: { AwsvpcConfiguration: { AssignPublicIp: 'DISABLED' } },
      });
    }
  });
});

describe('the bus', () => {
  it('is NATS with the configuration and permissions of deploy/nats, TLS, and one writer of its files', () => {
    const nats = containers(templates.runtime).get('Nats/nats');
    const told = Object.fromEntries((nats?.Environment ?? []).map(({ Name, Value }) => [Name, Value]));
    expect(told['PERMISSIONS']).toBe(readFileSync(join(ROOT, 'deploy/nats/permissions.conf'), 'utf8'));
    expect(told['CONF']).toContain('tls {');
    for (const [, variable] of `${String(told['CONF'])}`.matchAll(/\$(NATS_[A-Z_]+)/g))
      expect(told).toHaveProperty(variable as string);
    templates.runtime.hasResourceProperties('AWS::ECS::Service', {
      ServiceConnectConfiguration: Match.objectLike({ Services: [Match.objectLike({ PortName: 'nats' })] }),
      DeploymentConfiguration: Match.objectLike({ MaximumPercent: 100, MinimumHealthyPercent: 0 }),
    });
  });

  (natsServerPresent() ? it : it.skip)('starts as the task starts it, with what make-identities.mjs makes', () => {
    const folder = temporaryDirectory();
    const made = spawnSync(process.execPath, [join(ROOT, 'deploy/nats/make-identities.mjs'), folder, 'nats'], {
      encoding: 'utf8',
    });
    expect([made.status, made.stderr]).toEqual([0, '']);
    const nats = containers(templates.runtime).get('Nats/nats');
    const here = (text: string) => text.replaceAll('/dev/shm', folder).replace('nats-server -c', 'nats-server -t -c');
    const told = (nats?.Environment ?? []).map(({ Name, Value }) => [Name, here(String(Value))] as const);
    const file = (name: string) => readFileSync(join(folder, name), 'utf8');
    const secrets = { USERS: file('nats.env'), CERTIFICATE: file('server.pem'), CERTIFICATE_KEY: file('server.key') };
    const environment = { PATH: process.env['PATH'], ...Object.fromEntries(told), ...secrets, NATS_STORE: folder };
    expect(nats?.Secrets?.map(({ Name }) => Name)).toEqual(Object.keys(secrets));
    const tried = spawnSync('sh', ['-c', here(nats?.Command?.[0] ?? '')], { env: environment, encoding: 'utf8' });
    expect([tried.status, tried.stderr]).toEqual([0, expect.stringContaining('is valid')]);
  });

  it('is somebody else’s where one is given, and only over TLS', () => {
    const { runtime } = templatesOf({ natsUrl: 'tls://nats.example.internal:4222', natsReplicas: 3 });
    runtime.resourceCountIs('AWS::EFS::FileSystem', 0);
    expect(containers(runtime).get('Monitor/service')?.Environment).toEqual(
      expect.arrayContaining([
        { Name: 'NATS_URL', Value: 'tls://nats.example.internal:4222' },
        { Name: 'NATS_EVENT_REPLICAS', Value: '3' },
      ]),
    );
  });
});

describe('tenants', () => {
  it('begin with one that this account’s media services prove to be, and whose keys want a signed URL', () => {
    const secret = resources(templates.vault, 'AWS::SecretsManager::Secret').find(
      ({ Properties }) => Properties['Name'] === 'Latchkey/tenants',
    );
    const file = tenantsFileSchema.parse(JSON.parse(resolved(secret?.Properties['SecretString'])));
    expect(file.tenants).toHaveLength(1);
    expect(file.tenants[0]?.encryptors.map(({ id, method }) => `${id} ${method}`)).toEqual([
      'mediapackage aws-role',
      'mediapackagev2 aws-role',
      'mediaconvert aws-role',
    ]);
    expect(file.tenants[0]?.delivery.entitlement?.mode).toBe('signed-url');
  });

  it('are whoever a secret of one’s own names', () => {
    const { vault, runtime } = templatesOf({ tenantsSecretArn: SECRET });
    expect(resources(vault, 'AWS::SecretsManager::Secret').map(({ Properties }) => Properties['Name'])).not.toContain(
      'Latchkey/tenants',
    );
    expect(containers(runtime).get('KeyService/files')?.Secrets).toContainEqual({
      Name: 'TENANTS_FILE',
      ValueFrom: SECRET,
    });
  });

  // issue 8, 2: tenants as DynamoDB rows
  it('are rows of a table where that is chosen: protected as keys are, and only read by services', () => {
    const { vault, runtime } = templatesOf({ tenantsTable: true });
    vault.hasResource('AWS::DynamoDB::GlobalTable', {
      DeletionPolicy: 'Retain',
      Properties: Match.objectLike({
        KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
      }),
    });
    for (const name of SERVICE_NAMES) {
      const told = containers(runtime)
        .get(`${pascal(name)}/service`)
        ?.Environment?.map((variable) => variable.Name);
      const rights = statements(runtime).filter(
        ({ policy, Resource }) =>
          policy.startsWith(`${pascal(name)}TaskTaskRole`) && JSON.stringify(Resource).includes('TenantsTable'),
      );
      const reads = name !== 'monitor';
      expect([name, told?.includes('TENANTS_TABLE'), told?.includes('TENANTS_FILE')]).toEqual([name, reads, false]);
      expect([name, rights.flatMap(({ Action }) => list(Action))]).toEqual([
        name,
        reads ? ['dynamodb:GetItem', 'dynamodb:Scan'] : [],
      ]);
      const known = knownVariables(name);
      expect([name, told?.filter((variable) => !known(variable))]).toEqual([name, []]);
    }
  });
});

describe('bridges', () => {
  it('are none at first: the monitor may put events nowhere', () => {
    expect(JSON.stringify(templates.runtime.toJSON())).not.toMatch(/events:PutEvents|BRIDGES_FILE/);
  });

  it('are the monitor’s alone: a secret as its file, and the buses that are named', () => {
    const other = 'arn:aws:events:eu-west-1:999988887777:event-bus/theirs';
    const { runtime } = templatesOf({ bridges: { secretArn: SECRET, eventBuses: ['drm', other] } });
    const puts = statements(runtime).filter(({ Action }) => list(Action).includes('events:PutEvents'));
    expect(puts).toEqual([expect.objectContaining({ policy: expect.stringMatching(/^MonitorTask/), Effect: 'Allow' })]);
    const [own, theirs] = list(puts[0]?.Resource as string[]);
    expect(JSON.stringify(own)).toContain(':event-bus/drm');
    expect(theirs).toBe(other);
    for (const [name, { Secrets = [] }] of containers(runtime)) {
      const has = Secrets.some((secret) => secret.Name === 'BRIDGES_FILE' && secret.ValueFrom === SECRET);
      expect([name, has]).toEqual([name, name === 'Monitor/files']);
    }
    const told = containers(runtime).get('Monitor/service')?.Environment;
    expect(told).toContainEqual({ Name: 'BRIDGES_FILE', Value: '/run/latchkey/bridges-file' });
  });
});

describe('players’ keys', () => {
  it('come through CloudFront over HTTPS alone, from a balancer that has no public address and lets the VPC in', () => {
    templates.runtime.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        DefaultCacheBehavior: Match.objectLike({ ViewerProtocolPolicy: 'https-only' }),
      }),
    });
    // The balancer has a listener for HTTP alone; without this CloudFront would come as the viewer does.
    templates.runtime.hasResourceProperties('AWS::CloudFront::VpcOrigin', {
      VpcOriginEndpointConfig: Match.objectLike({ OriginProtocolPolicy: 'http-only', HTTPPort: 80 }),
    });
    for (const { Properties } of resources(templates.runtime, 'AWS::ElasticLoadBalancingV2::LoadBalancer')) {
      expect(Properties['Scheme']).toBe('internal');
    }
    const inlets = resources(templates.runtime, 'AWS::EC2::SecurityGroup').flatMap(
      ({ Properties }) => (Properties['SecurityGroupIngress'] ?? []) as { CidrIp: unknown; FromPort: number }[],
    );
    expect(inlets).toEqual([
      expect.objectContaining({
        FromPort: 80,
        CidrIp: expect.objectContaining({ 'Fn::ImportValue': expect.stringContaining('CidrBlock') }),
      }),
    ]);
  });

  it('have a name of one’s own where one is given, under TLS 1.2 at least', () => {
    const { runtime } = templatesOf({
      delivery: { domainName: 'keys.example.com', certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/1' },
    });
    runtime.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        Aliases: ['keys.example.com'],
        ViewerCertificate: Match.objectLike({ MinimumProtocolVersion: 'TLSv1.2_2021' }),
      }),
    });
    expect(containers(runtime).get('SignalingClearkey/service')?.Environment).toContainEqual({
      Name: 'DELIVERY_BASE_URL',
      Value: 'https://keys.example.com',
    });
  });
});

describe('the console', () => {
  it('cannot be reached unless networks are named, and then over HTTPS from these', () => {
    templates.runtime.resourceCountIs('AWS::ElasticLoadBalancingV2::LoadBalancer', 2);
    const { runtime } = templatesOf({
      console: {
        domainName: 'console.example.internal',
        certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/1',
        networks: ['10.8.0.0/16'],
      },
    });
    runtime.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', { Port: 443, Protocol: 'HTTPS' });
    runtime.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [Match.objectLike({ CidrIp: '10.8.0.0/16', FromPort: 443 })],
    });
  });
});

describe('watching', () => {
  it('has every alarm and the dashboard of deploy/cloudwatch, and somebody who is told', () => {
    const alarms = JSON.parse(readFileSync(join(ROOT, 'deploy/cloudwatch/alarms.json'), 'utf8')) as { name: string }[];
    expect(alarms.length).toBeGreaterThan(5);
    for (const { name } of alarms) {
      templates.watch.hasResourceProperties('AWS::CloudWatch::Alarm', {
        AlarmName: `LatchkeyWatch-${name}`,
        AlarmActions: [Match.anyValue()],
      });
    }
    for (const name of ['DoorFails', 'NoGateway', 'NoDelivery']) {
      templates.watch.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: `LatchkeyWatch-${name}` });
    }
    templates.watch.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
    const { watch } = templatesOf({ alarmEmail: 'ops@example.com' });
    watch.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', Endpoint: 'ops@example.com' });
  });
});

/** What an app's stores ask of DynamoDB: a transaction of puts and checks is so many single actions. */
function actionsOf(app: string): Set<string> {
  const source = join(ROOT, 'apps', app, 'src');
  const text = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => /dynamodb-[a-z-]+-store\.ts$/.test(file))
    .map((file) => readFileSync(join(source, file), 'utf8'))
    .join('\n');
  const commands = [...text.matchAll(/new (\w+)Command\(/g)].map(([, name]) => name as string);
  const pages = [...text.matchAll(/paginate(\w+)\(/g)].map(([, name]) => name as string);
  const inTransactions = [...text.matchAll(/\b(Put|Update|Delete|ConditionCheck): \{/g)].map(([, name]) =>
    name === 'ConditionCheck' ? 'ConditionCheckItem' : `${name}Item`,
  );
  return new Set(
    [...commands, ...pages, ...inTransactions]
      // Scan is the operator's, who re-encrypts under another KMS key.
      .filter((name) => name !== 'TransactWriteItems' && name !== 'Scan')
      .map((name) => `dynamodb:${name}`),
  );
}

/** A text of CloudFormation with something likely in the place of each reference. */
function resolved(value: unknown): string {
  if (typeof value === 'string') return value;
  const [, parts] = (value as { 'Fn::Join': [string, unknown[]] })['Fn::Join'];
  const text = parts
    .map((part) =>
      typeof part === 'string'
        ? part
        : JSON.stringify(part).includes('Role')
          ? `arn:aws:iam::111122223333:role/${JSON.stringify(part).replace(/\W/g, '')}`
          : 'x',
    )
    .join('');
  return text.replace(/\{\{resolve:secretsmanager:[^}]*\}\}/g, 'A'.repeat(48));
}
