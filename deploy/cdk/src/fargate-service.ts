import { Duration } from 'aws-cdk-lib';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import {
  AwsLogDriver,
  ContainerDependencyCondition,
  ContainerImage,
  FargateService,
  FargateTaskDefinition,
  Secret as EcsSecret,
  type Cluster,
  type ContainerDefinition,
} from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Secret, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Installation } from './config';
import { SERVICES, type ServiceName, type ServiceShape } from './services';

export interface Surroundings {
  readonly installation: Installation;
  readonly cluster: Cluster;
  readonly natsUrl: string;
  readonly tenants: ISecret | undefined;
}

const FILES = '/run/latchkey';

/** One service on Fargate: its container, the files it reads, an OpenTelemetry collector beside it, scaling and a careful deployment. */
export function addService(
  scope: Construct,
  name: ServiceName,
  around: Surroundings,
  environment: Readonly<Record<string, string>>,
  secrets: Readonly<Record<string, ISecret>>,
): FargateService {
  const shape: ServiceShape = SERVICES[name];
  const id = pascal(name);
  const repository = Repository.fromRepositoryName(scope, `${id}Images`, `${around.installation.imagePrefix}/${name}`);
  const image = ContainerImage.fromEcrRepository(repository, around.installation.imageTag);
  const task = new FargateTaskDefinition(scope, `${id}Task`, { cpu: shape.cpu, memoryLimitMiB: shape.memoryLimitMiB });
  task.addVolume({ name: 'files' });
  task.addVolume({ name: 'tmp' });
  const seed = new Secret(scope, `${id}Seed`, { description: `Latchkey: the nkey seed of ${name} (deploy/nats)` });
  const files = writeFiles(task, image, seed, around.tenants);
  const container = task.addContainer('service', {
    image,
    readonlyRootFilesystem: true,
    environment: {
      NODE_ENV: 'production',
      NATS_URL: around.natsUrl,
      NATS_NKEY_SEED_FILE: `${FILES}/nats.seed`,
      ...(around.tenants ? { TENANTS_FILE: `${FILES}/tenants.yaml` } : {}),
      METRICS: 'emf',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      OTEL_SERVICE_NAME: name,
      ...shape.environment,
      ...environment,
    },
    secrets: Object.fromEntries(
      Object.entries(secrets).map(([key, secret]) => [key, EcsSecret.fromSecretsManager(secret)]),
    ),
    portMappings: [{ containerPort: shape.port }],
    logging: new AwsLogDriver({ streamPrefix: name, logRetention: RetentionDays.ONE_MONTH }),
    healthCheck: {
      command: ['CMD', 'node', '/app/healthcheck.js'],
      interval: Duration.seconds(10),
      startPeriod: Duration.seconds(20),
    },
    stopTimeout: Duration.seconds(15),
  });
  container.addMountPoints(
    { containerPath: FILES, sourceVolume: 'files', readOnly: true },
    { containerPath: '/tmp', sourceVolume: 'tmp', readOnly: false },
  );
  container.addContainerDependencies({ container: files, condition: ContainerDependencyCondition.SUCCESS });
  addCollector(task);
  return deploy(scope, id, shape, task, around);
}

/** Secrets that the service reads as files: written once, by its own image, into a volume of the task. A new secret needs a new deployment. */
function writeFiles(
  task: FargateTaskDefinition,
  image: ContainerImage,
  seed: ISecret,
  tenants: ISecret | undefined,
): ContainerDefinition {
  const container = task.addContainer('files', {
    image,
    essential: false,
    readonlyRootFilesystem: true,
    entryPoint: ['node', '-e'],
    command: [
      `const {writeFileSync: write} = require('node:fs');` +
        `write('${FILES}/nats.seed', process.env.NATS_SEED, {mode: 0o444});` +
        `if (process.env.TENANTS) write('${FILES}/tenants.yaml', process.env.TENANTS, {mode: 0o444});`,
    ],
    user: '0',
    secrets: {
      NATS_SEED: EcsSecret.fromSecretsManager(seed),
      ...(tenants ? { TENANTS: EcsSecret.fromSecretsManager(tenants) } : {}),
    },
    logging: new AwsLogDriver({ streamPrefix: 'files', logRetention: RetentionDays.ONE_WEEK }),
  });
  container.addMountPoints({ containerPath: FILES, sourceVolume: 'files', readOnly: false });
  return container;
}

/** AWS's OpenTelemetry collector: traces by OTLP to X-Ray. Metrics do not pass it: they are EMF lines in the log. */
function addCollector(task: FargateTaskDefinition): void {
  task.addContainer('collector', {
    image: ContainerImage.fromRegistry('amazon/aws-otel-collector:v0.43.3'),
    essential: false,
    command: ['--config=/etc/ecs/ecs-default-config.yaml'],
    cpu: 32,
    memoryReservationMiB: 64,
    logging: new AwsLogDriver({ streamPrefix: 'collector', logRetention: RetentionDays.ONE_WEEK }),
  });
  task.addToTaskRolePolicy(
    new PolicyStatement({
      // X-Ray's write actions know no resources: "*" is the only one they take.
      actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
      resources: ['*'],
    }),
  );
}

function deploy(
  scope: Construct,
  id: string,
  shape: ServiceShape,
  taskDefinition: FargateTaskDefinition,
  { cluster, installation }: Surroundings,
): FargateService {
  const service = new FargateService(scope, id, {
    cluster,
    taskDefinition,
    desiredCount: shape.scales ? installation.tasks.min : 1,
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    circuitBreaker: { rollback: true },
    serviceConnectConfiguration: {},
  });
  if (shape.scales) {
    service
      .autoScaleTaskCount({ minCapacity: installation.tasks.min, maxCapacity: installation.tasks.max })
      .scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 55, scaleOutCooldown: Duration.seconds(30) });
  }
  return service;
}

function pascal(name: string): string {
  return name.replace(/(^|-)([a-z])/g, (_, _dash, letter: string) => letter.toUpperCase());
}
