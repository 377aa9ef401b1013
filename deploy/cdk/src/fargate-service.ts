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
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Installation } from './config';
import { pascal, SERVICES, type ServiceName, type ServiceShape } from './services';

export interface Surroundings {
  readonly installation: Installation;
  readonly cluster: Cluster;
}

/** What one service has beside its shape. */
export interface ServiceParts {
  readonly environment: Readonly<Record<string, string>>;
  /** Secrets that come as variables. */
  readonly secrets?: Readonly<Record<string, ISecret>>;
  /** Secrets that come as files, by the variable that names the file. */
  readonly files: Readonly<Record<string, ISecret>>;
}

const FILES = '/run/latchkey';
/** `node` of the image (deploy/docker/Dockerfile): nothing of ours runs as root. */
export const USER = '1000:1000';
/** As long as the load balancers take to see that a task is leaving. */
const SHUTDOWN_DELAY_MS = 5_000;

/** One service on Fargate: its container, the files it reads, an OpenTelemetry collector beside it, scaling and a careful deployment. */
export function addService(
  scope: Construct,
  name: ServiceName,
  { installation, cluster }: Surroundings,
  { environment, secrets = {}, files }: ServiceParts,
): FargateService {
  const shape: ServiceShape = SERVICES[name];
  const id = pascal(name);
  const repository = Repository.fromRepositoryName(scope, `${id}Images`, `${installation.imagePrefix}/${name}`);
  const image = ContainerImage.fromEcrRepository(repository, installation.imageTag);
  const task = new FargateTaskDefinition(scope, `${id}Task`, {
    cpu: shape.cpu,
    memoryLimitMiB: shape.memoryLimitMiB,
    volumes: [{ name: 'files' }],
  });
  const written = writeFiles(task, image, files);
  const container = task.addContainer('service', {
    image,
    user: USER,
    readonlyRootFilesystem: true,
    environment: {
      ...Object.fromEntries(Object.keys(files).map((variable) => [variable, pathOf(variable)])),
      METRICS: 'emf',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318',
      ...(shape.port ? { SHUTDOWN_DELAY_MS: String(SHUTDOWN_DELAY_MS) } : {}),
      ...shape.environment,
      ...environment,
    },
    secrets: ecsSecrets(secrets),
    ...(shape.port ? { portMappings: [{ containerPort: shape.port }] } : {}),
    logging: new AwsLogDriver({ streamPrefix: name, logRetention: RetentionDays.ONE_MONTH }),
    // Whether it lives, not whether it is ready: a bus that is away for a minute must not have every task replaced.
    healthCheck: {
      command: ['CMD', 'node', '/app/healthcheck.js', 'healthz'],
      interval: Duration.seconds(10),
      startPeriod: Duration.seconds(30),
    },
    stopTimeout: Duration.seconds(20),
  });
  container.addMountPoints({ containerPath: FILES, sourceVolume: 'files', readOnly: true });
  container.addContainerDependencies({ container: written, condition: ContainerDependencyCondition.SUCCESS });
  addCollector(task);
  return deploy(scope, id, shape, task, { installation, cluster });
}

/** Written once, by the service's own image, into a volume of the task: a new secret needs a new deployment. */
function writeFiles(
  task: FargateTaskDefinition,
  image: ContainerImage,
  files: ServiceParts['files'],
): ContainerDefinition {
  const container = task.addContainer('files', {
    image,
    user: USER,
    essential: false,
    readonlyRootFilesystem: true,
    entryPoint: ['node', '-e'],
    command: [
      Object.keys(files)
        .map((variable) => `fs.writeFileSync('${pathOf(variable)}', process.env.${variable}, {mode: 0o400});`)
        .join(''),
    ],
    secrets: ecsSecrets(files),
    logging: new AwsLogDriver({ streamPrefix: 'files', logRetention: RetentionDays.ONE_WEEK }),
  });
  container.addMountPoints({ containerPath: FILES, sourceVolume: 'files', readOnly: false });
  return container;
}

/** `NATS_TLS_CA` → `/run/latchkey/nats-tls-ca`. */
function pathOf(variable: string): string {
  return `${FILES}/${variable.toLowerCase().replaceAll('_', '-')}`;
}

function ecsSecrets(secrets: Readonly<Record<string, ISecret>>): Record<string, EcsSecret> {
  return Object.fromEntries(Object.entries(secrets).map(([name, from]) => [name, EcsSecret.fromSecretsManager(from)]));
}

/** AWS's OpenTelemetry collector: traces by OTLP to X-Ray, nothing else. Metrics do not pass it: they are EMF lines in the log. */
const COLLECTOR = `
receivers: { otlp: { protocols: { http: { endpoint: '127.0.0.1:4318' } } } }
processors: { batch: {} }
exporters: { awsxray: {} }
service: { pipelines: { traces: { receivers: [otlp], processors: [batch], exporters: [awsxray] } } }
`;

function addCollector(task: FargateTaskDefinition): void {
  task.addContainer('collector', {
    image: ContainerImage.fromRegistry('public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3'),
    user: USER,
    readonlyRootFilesystem: true,
    // A service without its traces is better than none.
    essential: false,
    environment: { AOT_CONFIG_CONTENT: COLLECTOR },
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
    // As a client: this is how `nats` is found.
    serviceConnectConfiguration: {},
  });
  if (shape.scales) {
    service
      .autoScaleTaskCount({ minCapacity: installation.tasks.min, maxCapacity: installation.tasks.max })
      .scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: 55, scaleOutCooldown: Duration.seconds(30) });
  }
  return service;
}
