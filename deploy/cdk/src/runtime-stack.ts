import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  Distribution,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  CachePolicy,
  ViewerProtocolPolicy,
  AllowedMethods,
  HttpVersion,
  SecurityPolicyProtocol,
} from 'aws-cdk-lib/aws-cloudfront';
import { VpcOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { Peer, Port, SecurityGroup, type Vpc } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerInsights, type FargateService } from 'aws-cdk-lib/aws-ecs';
import {
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ListenerCertificate,
  NetworkLoadBalancer,
  Protocol,
  SslPolicy,
  type ApplicationTargetGroup,
  type NetworkTargetGroup,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { addNats, NATS_URL } from './nats';
import { addService } from './fargate-service';
import type { Installation } from './config';
import { allowEventBuses } from './event-buses';
import { SERVICE_NAMES, SERVICES, TENANT_READERS, type ServiceName } from './services';
import { allowStores } from './store-access';
import type { VaultSecrets } from './vault-secrets';
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
  readonly gatewayBalancer: NetworkLoadBalancer;
  readonly gatewayTargets: NetworkTargetGroup;
  readonly deliveryTargets: ApplicationTargetGroup;
  readonly distribution: Distribution;

  constructor(scope: Construct, id: string, props: RuntimeProps) {
    super(scope, id, props);
    const { installation, vpc, vault } = props;
    this.cluster = new Cluster(this, 'Cluster', {
      vpc,
      containerInsightsV2: ContainerInsights.ENABLED,
      defaultCloudMapNamespace: { name: 'latchkey.internal', useForServiceConnect: true },
    });
    const nats = installation.natsUrl ? undefined : addNats(this, this.cluster, vault.secrets.bus);
    const deliveryBalancer = new ApplicationLoadBalancer(this, 'DeliveryBalancer', {
      vpc,
      dropInvalidHeaderFields: true,
    });
    this.gatewayBalancer = addGatewayBalancer(this, vpc);
    this.distribution = publish(this, deliveryBalancer, installation);
    const deliveryName = installation.delivery?.domainName ?? this.distribution.distributionDomainName;

    const environments = environmentsOf(props, `https://${deliveryName}`, {
      'speke-gateway': this.gatewayBalancer.loadBalancerDnsName,
      'key-delivery': deliveryBalancer.loadBalancerDnsName,
    });
    this.services = Object.fromEntries(
      SERVICE_NAMES.map((name) => [
        name,
        addService(
          this,
          name,
          { installation, cluster: this.cluster },
          {
            environment: { ...busEnvironment(installation), ...tenantsEnvironment(name, vault), ...environments[name] },
            files: filesOf(name, vault.secrets, installation),
            secrets: SECRETS[name]?.(vault.secrets) ?? {},
          },
        ),
      ]),
    ) as Record<ServiceName, FargateService>;
    if (nats) connectBus(Object.values(this.services), nats);
    allowStores(vault, {
      keyService: this.services['key-service'].taskDefinition.taskRole,
      monitor: this.services.monitor.taskDefinition.taskRole,
      tenantReaders: TENANT_READERS.map((name) => this.services[name].taskDefinition.taskRole),
    });
    allowEventBuses(this, this.services.monitor.taskDefinition.taskRole, installation);
    this.gatewayTargets = balanceGateway(this.gatewayBalancer, this.services['speke-gateway']);
    this.deliveryTargets = balanceDelivery(deliveryBalancer, vpc, this.services['key-delivery']);
    for (const balancer of [this.gatewayBalancer, deliveryBalancer]) {
      balancer.connections.allowFrom(this.services.monitor, Port.tcp(80), 'whether it is ready');
    }
    if (installation.console) openConsole(this, vpc, this.services.monitor, installation.console);
    new CfnOutput(this, 'DeliveryBaseUrl', { value: `https://${deliveryName}` });
    new CfnOutput(this, 'DistributionName', { value: this.distribution.distributionDomainName });
  }
}

function busEnvironment({ natsUrl, natsReplicas }: Installation): Record<string, string> {
  return { NATS_URL: natsUrl ?? NATS_URL, NATS_EVENT_REPLICAS: String(natsReplicas) };
}

/** What only one service is told. Whoever stands before it is in the VPC: what they say of a caller's address is believed. */
function environmentsOf(
  { vpc, vault }: RuntimeProps,
  deliveryBaseUrl: string,
  balancers: Readonly<Record<string, string>>,
): Partial<Record<ServiceName, Record<string, string>>> {
  const proxies = vpc.vpcCidrBlock;
  const ready = Object.entries(balancers).map(([name, host]) => `${name}=http://${host}/readyz`);
  return {
    'speke-gateway': { SPEKE_TRUSTED_PROXIES: proxies },
    'key-service': { DYNAMODB_TABLE: vault.keyTable.tableName, KMS_KEY_ID: vault.wrappingKey.keyArn },
    'signaling-clearkey': { DELIVERY_BASE_URL: deliveryBaseUrl },
    'key-delivery': { DELIVERY_TRUSTED_PROXIES: proxies },
    monitor: {
      DYNAMODB_LEDGER_TABLE: vault.ledgerTable.tableName,
      CONSOLE_TRUST_PROXY: proxies,
      CONSOLE_READINESS_URLS: ready.join(','),
    },
  };
}

const SECRETS: Partial<Record<ServiceName, (secrets: VaultSecrets) => Record<string, ISecret>>> = {
  'speke-gateway': ({ door }) => ({ AWS_ROLE_DOOR_SECRET: door }),
  monitor: ({ consoleAccess }) => ({ CONSOLE_ACCESS: consoleAccess }),
};

function tenantsEnvironment(name: ServiceName, { tenantsTable }: VaultStack): Record<string, string> {
  return tenantsTable && SERVICES[name].tenants ? { TENANTS_TABLE: tenantsTable.tableName } : {};
}

function filesOf(name: ServiceName, secrets: VaultSecrets, { tenantsTable }: Installation): Record<string, ISecret> {
  return {
    NATS_NKEY_SEED_FILE: secrets.bus.seeds[name],
    NATS_TLS_CA: secrets.bus.authority,
    ...(SERVICES[name].tenants && !tenantsTable ? { TENANTS_FILE: secrets.tenants } : {}),
    ...(name === 'monitor' && secrets.bridges ? { BRIDGES_FILE: secrets.bridges } : {}),
    ...(name === 'speke-gateway' ? { CREDENTIALS_KEY_FILE: secrets.credentialsKey } : {}),
  };
}

function connectBus(services: readonly FargateService[], nats: FargateService): void {
  for (const service of services) {
    service.connections.allowTo(nats, Port.tcp(4222), 'the bus');
    // On the service alone: its security group's rules name this service's group.
    service.node.addDependency(nats.node.findChild('Service'));
  }
}

/** A network load balancer inside the VPC, where API Gateway's VPC link ends. */
function addGatewayBalancer(scope: Construct, vpc: Vpc): NetworkLoadBalancer {
  return new NetworkLoadBalancer(scope, 'GatewayBalancer', {
    vpc,
    internetFacing: false,
    crossZoneEnabled: true,
    securityGroups: [new SecurityGroup(scope, 'GatewayBalancerGroup', { vpc, allowAllOutbound: false })],
    // A VPC link's traffic comes through PrivateLink, from no address that a rule could name.
    enforceSecurityGroupInboundRulesOnPrivateLinkTraffic: false,
  });
}

function balanceGateway(balancer: NetworkLoadBalancer, gateway: FargateService): NetworkTargetGroup {
  balancer.connections.allowTo(gateway, Port.tcp(8080), 'SPEKE');
  return balancer.addListener('Speke', { port: 80 }).addTargets('Gateway', {
    port: 8080,
    protocol: Protocol.TCP,
    targets: [gateway],
    deregistrationDelay: Duration.seconds(20),
    healthCheck: { protocol: Protocol.HTTP, path: '/readyz', interval: Duration.seconds(10) },
  });
}

/**
 * CloudFront comes through a network interface that it puts into our subnets, so it is an address of the VPC that must be
 * let in. Nobody is kept out that CloudFront would not let through.
 */
function balanceDelivery(
  balancer: ApplicationLoadBalancer,
  vpc: Vpc,
  delivery: FargateService,
): ApplicationTargetGroup {
  balancer.connections.allowFrom(Peer.ipv4(vpc.vpcCidrBlock), Port.tcp(80), 'CloudFront by its VPC origin');
  const listener = balancer.addListener('Keys', { port: 80, protocol: ApplicationProtocol.HTTP, open: false });
  return listener.addTargets('Delivery', {
    port: 8081,
    protocol: ApplicationProtocol.HTTP,
    targets: [delivery],
    deregistrationDelay: Duration.seconds(20),
    healthCheck: { path: '/readyz', interval: Duration.seconds(10) },
  });
}

/** For people inside: a VPN, Direct Connect. Who they are the console asks itself. */
function openConsole(
  scope: Construct,
  vpc: Vpc,
  monitor: FargateService,
  { certificateArn, domainName, networks }: NonNullable<Installation['console']>,
): void {
  const balancer = new ApplicationLoadBalancer(scope, 'ConsoleBalancer', { vpc, dropInvalidHeaderFields: true });
  for (const network of networks) {
    balancer.connections.allowFrom(Peer.ipv4(network), Port.tcp(443), 'who may reach the console');
  }
  const listener = balancer.addListener('Console', {
    port: 443,
    open: false,
    certificates: [ListenerCertificate.fromArn(certificateArn)],
    sslPolicy: SslPolicy.RECOMMENDED_TLS,
  });
  listener.addTargets('Monitor', {
    port: 8082,
    protocol: ApplicationProtocol.HTTP,
    targets: [monitor],
    healthCheck: { path: '/readyz', interval: Duration.seconds(10) },
  });
  new CfnOutput(scope, 'ConsoleAddress', {
    description: `${domainName} is to be a name (CNAME, alias) of this`,
    value: balancer.loadBalancerDnsName,
  });
}

/**
 * CloudFront reaches the balancer inside the VPC, so that nothing of ours has a public address. Everything a viewer sends
 * but Host is forwarded: without Origin the answers that it keeps would lack CORS headers. Nothing is kept at the edge
 * unless Cache-Control of the answer and a cache policy chosen for signed URLs say so (docs/integrations/cloudfront.md).
 */
function publish(scope: Construct, balancer: ApplicationLoadBalancer, { delivery }: Installation): Distribution {
  return new Distribution(scope, 'Keys', {
    ...(delivery && {
      domainNames: [delivery.domainName],
      certificate: Certificate.fromCertificateArn(scope, 'DeliveryCertificate', delivery.certificateArn),
    }),
    comment: 'Latchkey: keys for players',
    httpVersion: HttpVersion.HTTP2_AND_3,
    minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
    defaultBehavior: {
      origin: VpcOrigin.withApplicationLoadBalancer(balancer, {
        httpPort: 80,
        // Otherwise as the viewer came, by HTTPS, for which the balancer does not listen.
        protocolPolicy: OriginProtocolPolicy.HTTP_ONLY,
        readTimeout: Duration.seconds(10),
      }),
      viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
      // ClearKey licences are asked for by POST.
      allowedMethods: AllowedMethods.ALLOW_ALL,
      cachePolicy: CachePolicy.CACHING_DISABLED,
      originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
      compress: false,
    },
  });
}
