import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Port } from 'aws-cdk-lib/aws-ec2';
import {
  AwsLogDriver,
  ContainerImage,
  FargateService,
  FargateTaskDefinition,
  Secret as EcsSecret,
  type Cluster,
} from 'aws-cdk-lib/aws-ecs';
import { FileSystem } from 'aws-cdk-lib/aws-efs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { USER } from './fargate-service';
import type { BusSecrets } from './vault-secrets';

/** Under which its certificate is made (`make-identities.mjs bus nats`), and services find it by Service Connect. */
const HOST = 'nats';
export const NATS_URL = `tls://${HOST}:4222`;

/** In memory, because the root file system is read-only and a private key has no place on a disk. */
const MEMORY = '/dev/shm';
const START = [
  'umask 077',
  `printf %s "$CONF" > ${MEMORY}/nats.conf`,
  `printf %s "$PERMISSIONS" > ${MEMORY}/permissions.conf`,
  `printf %s "$CERTIFICATE" > $NATS_TLS_CERT`,
  `printf %s "$CERTIFICATE_KEY" > $NATS_TLS_KEY`,
  'export $USERS',
  `exec nats-server -c ${MEMORY}/nats.conf`,
].join(' && ');

/**
 * One NATS server with JetStream on EFS: enough for one region's key traffic, back within a minute when its task dies
 * (requests are answered 503 meanwhile; no audit record is lost, the store has them). For more, give `natsUrl`. Its
 * configuration and permissions are those of deploy/nats.
 */
export function addNats(scope: Construct, cluster: Cluster, secrets: BusSecrets): FargateService {
  const files = new FileSystem(scope, 'NatsFiles', {
    vpc: cluster.vpc,
    encrypted: true,
    enableAutomaticBackups: true,
    removalPolicy: RemovalPolicy.RETAIN,
  });
  const access = files.addAccessPoint('JetStream', {
    path: '/jetstream',
    posixUser: { uid: '1000', gid: '1000' },
    createAcl: { ownerUid: '1000', ownerGid: '1000', permissions: '700' },
  });
  const task = new FargateTaskDefinition(scope, 'NatsTask', { cpu: 512, memoryLimitMiB: 1024 });
  task.addVolume({
    name: 'jetstream',
    efsVolumeConfiguration: {
      fileSystemId: files.fileSystemId,
      transitEncryption: 'ENABLED',
      authorizationConfig: { accessPointId: access.accessPointId, iam: 'ENABLED' },
    },
  });
  task.addToTaskRolePolicy(
    new PolicyStatement({
      actions: ['elasticfilesystem:ClientMount', 'elasticfilesystem:ClientWrite'],
      resources: [files.fileSystemArn],
      conditions: { StringEquals: { 'elasticfilesystem:AccessPointArn': access.accessPointArn } },
    }),
  );
  const container = task.addContainer('nats', {
    image: ContainerImage.fromRegistry('public.ecr.aws/docker/library/nats:2.12-alpine'),
    user: USER,
    readonlyRootFilesystem: true,
    entryPoint: ['sh', '-c'],
    command: [START],
    environment: {
      CONF: readNats('nats.conf'),
      PERMISSIONS: readNats('permissions.conf'),
      NATS_SERVER_NAME: HOST,
      NATS_STORE: '/data',
      NATS_TLS_CERT: `${MEMORY}/server.pem`,
      NATS_TLS_KEY: `${MEMORY}/server.key`,
    },
    secrets: {
      USERS: EcsSecret.fromSecretsManager(secrets.users),
      CERTIFICATE: EcsSecret.fromSecretsManager(secrets.certificate),
      CERTIFICATE_KEY: EcsSecret.fromSecretsManager(secrets.certificateKey),
    },
    portMappings: [{ name: 'nats', containerPort: 4222 }],
    logging: new AwsLogDriver({ streamPrefix: 'nats', logRetention: RetentionDays.ONE_MONTH }),
    healthCheck: {
      command: ['CMD-SHELL', 'wget -q -O- http://127.0.0.1:8222/healthz?js-enabled-only=true || exit 1'],
      interval: Duration.seconds(10),
    },
  });
  container.addMountPoints({ containerPath: '/data', sourceVolume: 'jetstream', readOnly: false });
  const service = new FargateService(scope, 'Nats', {
    cluster,
    taskDefinition: task,
    desiredCount: 1,
    // Two servers must never write the same JetStream files.
    minHealthyPercent: 0,
    maxHealthyPercent: 100,
    circuitBreaker: { rollback: true },
    serviceConnectConfiguration: { services: [{ portMappingName: 'nats', dnsName: HOST, port: 4222 }] },
  });
  files.connections.allowFrom(service, Port.tcp(2049), 'JetStream files');
  return service;
}

/** Neither file holds a secret: keys and paths are variables in them. */
function readNats(file: string): string {
  return readFileSync(join(__dirname, '..', '..', 'nats', file), 'utf8');
}
