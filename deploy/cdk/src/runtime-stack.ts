import { Duration, Stack, type StackProps } from 'aws-cdk-lib';
import {
  Distribution,
  OriginRequestPolicy,
  CachePolicy,
  ViewerProtocolPolicy,
  AllowedMethods,
  HttpVersion,
  SecurityPolicyProtocol,
} from 'aws-cdk-lib/aws-cloudfront';
import { VpcOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Port, SecurityGroup, type Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights, type FargateService } from 'aws-cdk-lib/aws-ecs';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  NetworkLoadBalancer,
  Protocol,
  type INetworkLoadBalancer,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Secret, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { addNats } from './nats';
import { addService, type Surroundings } from './fargate-service';
import type { Installation } from './config';
import { SERVICE_NAMES, type ServiceName } from './services';
import type { VaultStack } from './vault-stack';

export interface RuntimeProps extends StackProps {
  readonly installation: Installation;
  readonly vpc: Vpc;
  readonly vault: VaultStack;
}

/** Everything that runs: NATS, the eight services, the load balancers inside the VPC, CloudFront in front of key-delivery. */
export class RuntimeStack extends Stack {
  readonly cluster: Cluster;
  readonly services: Readonly<Record<ServiceName, FargateService>>;
  readonly gatewayBalancer: INetworkLoadBalancer;
  /** What API Gateway says to the gateway, so that nobody else in the VPC can name a role. */
  readonly doorSecret: ISecret;
  readonly distribution: Distribution;

  constructor(scope: Construct, id: string, props: RuntimeProps) {
    super(scope, id, props);
    const { installation, vpc, vault } = props;
    this.cluster = new Cluster(this, 'Cluster', {
      vpc,
      containerInsightsV2: ContainerInsights.ENABLED,
      defaultCloudMapNamespace: { name: 'latchkey.internal', useForServiceConnect: true },
    });
    this.doorSecret = new Secret(this, 'DoorSecret', {
      description: 'Latchkey: what API Gateway says to the SPEKE gateway',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    });
    const nats = installation.natsUrl ? undefined : addNats(this, this.cluster);
    const deliveryBalancer = new ApplicationLoadBalancer(this, 'DeliveryBalancer', {
      vpc,
      dropInvalidHeaderFields: true,
    });
    this.distribution = publish(this, deliveryBalancer);

    const surroundings: Surroundings = {
      installation,
      cluster: this.cluster,
      natsUrl: installation.natsUrl ?? 'nats://nats:4222',
      tenants: installation.tenantsSecretArn
        ? Secret.fromSecretCompleteArn(this, 'Tenants', installation.tenantsSecretArn)
        : undefined,
    };
    const base = {
      DELIVERY_BASE_URL: installation.deliveryBaseUrl ?? `https://${this.distribution.distributionDomainName}`,
    };
    const own: Partial<Record<ServiceName, Record<string, string>>> = {
      'key-service': { DYNAMODB_TABLE: vault.keyTable.tableName, KMS_KEY_ID: vault.wrappingKey.keyArn },
      'signaling-clearkey': base,
      monitor: { DYNAMODB_LEDGER_TABLE: vault.ledgerTable.tableName },
    };
    this.services = Object.fromEntries(
      SERVICE_NAMES.map((name) => [
        name,
        addService(
          this,
          name,
          surroundings,
          own[name] ?? {},
          name === 'speke-gateway' ? { AWS_ROLE_DOOR_SECRET: this.doorSecret } : {},
        ),
      ]),
    ) as Record<ServiceName, FargateService>;
    if (nats) {
      for (const service of Object.values(this.services)) {
        service.connections.allowTo(nats, Port.tcp(4222), 'the bus');
        // On the service alone: its security group's rules name this service's group.
        service.node.addDependency(nats.node.findChild('Service'));
      }
    }
    allowStores(this.services, vault);
    this.gatewayBalancer = balanceGateway(this, vpc, this.services['speke-gateway']);
    balanceDelivery(deliveryBalancer, this.services['key-delivery']);
  }
}

/** Named actions on named tables: only key-service reaches keys, only the monitor its ledger. Neither may make or change a table. */
function allowStores(services: Readonly<Record<ServiceName, FargateService>>, vault: VaultStack): void {
  const keyService = services['key-service'].taskDefinition.taskRole;
  vault.allowTable(keyService, vault.keyTable, [
    'dynamodb:BatchGetItem',
    'dynamodb:BatchWriteItem',
    'dynamodb:DeleteItem',
    'dynamodb:DescribeTable',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
  ]);
  vault.allowWrapping(keyService);
  vault.allowTable(services.monitor.taskDefinition.taskRole, vault.ledgerTable, [
    'dynamodb:BatchGetItem',
    'dynamodb:BatchWriteItem',
    'dynamodb:DeleteItem',
    'dynamodb:DescribeTable',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
  ]);
}

/** A network load balancer inside the VPC, where API Gateway's VPC link ends. */
function balanceGateway(scope: Construct, vpc: Vpc, gateway: FargateService): INetworkLoadBalancer {
  const securityGroup = new SecurityGroup(scope, 'GatewayBalancerGroup', { vpc, allowAllOutbound: false });
  const balancer = new NetworkLoadBalancer(scope, 'GatewayBalancer', {
    vpc,
    internetFacing: false,
    crossZoneEnabled: true,
    securityGroups: [securityGroup],
    // A VPC link's traffic comes through PrivateLink, from no address that a rule could name.
    enforceSecurityGroupInboundRulesOnPrivateLinkTraffic: false,
  });
  balancer.addListener('Speke', { port: 80 }).addTargets('Gateway', {
    port: 8080,
    protocol: Protocol.TCP,
    targets: [gateway],
    deregistrationDelay: Duration.seconds(20),
    healthCheck: { protocol: Protocol.HTTP, path: '/readyz', interval: Duration.seconds(10) },
  });
  securityGroup.connections.allowTo(gateway, Port.tcp(8080), 'SPEKE');
  return balancer;
}

function balanceDelivery(balancer: ApplicationLoadBalancer, delivery: FargateService): void {
  const listener = balancer.addListener('Keys', { port: 80, protocol: ApplicationProtocol.HTTP, open: false });
  listener.addTargets('Delivery', {
    port: 8081,
    protocol: ApplicationProtocol.HTTP,
    targets: [delivery],
    deregistrationDelay: Duration.seconds(20),
    healthCheck: { path: '/readyz', interval: Duration.seconds(10) },
  });
}

/**
 * CloudFront reaches the balancer inside the VPC, so that nothing of ours has a public address. Everything a viewer sends
 * but Host is forwarded: without Origin the answers that it keeps would lack CORS headers. Nothing is kept at the edge
 * unless Cache-Control of the answer and a cache policy chosen for signed URLs say so (docs/integrations/cloudfront.md).
 */
function publish(scope: Construct, balancer: ApplicationLoadBalancer): Distribution {
  return new Distribution(scope, 'Keys', {
    comment: 'Latchkey: keys for players',
    httpVersion: HttpVersion.HTTP2_AND_3,
    minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
    defaultBehavior: {
      origin: VpcOrigin.withApplicationLoadBalancer(balancer, { httpPort: 80, readTimeout: Duration.seconds(10) }),
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      // ClearKey licences are asked for by POST.
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      compress: false,
    },
  });
}
