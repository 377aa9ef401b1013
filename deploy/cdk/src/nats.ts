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
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';

/**
 * One NATS server with JetStream on EFS: enough for one region's key traffic, back within a minute when its task dies
 * (requests are answered 503 meanwhile; no audit record is lost, the store has them). For more, give `natsUrl`.
 * Its configuration, users and permissions with it, is the secret `NatsConfiguration`, filled from deploy/nats.
 */
export function addNats(scope: Construct, cluster: Cluster): FargateService {
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
  const configuration = new Secret(scope, 'NatsConfiguration', {
    description: 'Latchkey: nats.conf with its users and permissions (deploy/nats)',
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
    image: ContainerImage.fromRegistry('nats:2.12-alpine'),
    user: '1000:1000',
    entryPoint: ['sh', '-c'],
    command: ['umask 077 && printf %s "$NATS_CONF" > /tmp/nats.conf && exec nats-server -c /tmp/nats.conf'],
    secrets: { NATS_CONF: EcsSecret.fromSecretsManager(configuration) },
    portMappings: [{ name: 'nats', containerPort: 4222 }],
    logging: new AwsLogDriver({ streamPrefix: 'nats' }),
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
    serviceConnectConfiguration: { services: [{ portMappingName: 'nats', dnsName: 'nats', port: 4222 }] },
  });
  files.connections.allowFrom(service, Port.tcp(2049), 'JetStream files');
  return service;
}
