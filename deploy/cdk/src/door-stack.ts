import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import {
  AccessLogFormat,
  AuthorizationType,
  ConnectionType,
  EndpointType,
  HttpIntegration,
  LogGroupLogDestination,
  MethodLoggingLevel,
  PassthroughBehavior,
  RestApi,
  VpcLink,
  type IntegrationResponse,
  type Method,
  type MethodResponse,
} from 'aws-cdk-lib/aws-apigateway';
import { NetworkLoadBalancer, type INetworkLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Policy, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { EncryptorRole } from './encryptor-roles';

export interface DoorProps extends StackProps {
  readonly encryptors: readonly EncryptorRole[];
  /** Of this app, or one that Kubernetes made. */
  readonly gatewayBalancer: INetworkLoadBalancer | { readonly arn: string; readonly dnsName: string };
  readonly doorSecret: ISecret;
}

/** What the SPEKE gateway answers, and so what the integration must let through: it passes no status that is not listed. */
const STATUSES = [200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 500, 503] as const;
const ANSWER_HEADERS = [
  'Content-Type',
  'ETag',
  'Retry-After',
  'Speke-User-Agent',
  'X-Speke-User-Agent',
  'X-Speke-Version',
  'X-Request-Id',
] as const;
const REQUEST_HEADERS = [
  'Accept',
  'Content-Type',
  'If-Match',
  'If-None-Match',
  'X-Speke-Version',
  'User-Agent',
] as const;

const PATHS = ['speke/v1.0/copyProtection', 'speke/v2.0/copyProtection', 'speke/v2.1/copyProtection', 'copyProtection'];

/**
 * Where AWS media services come in: a regional REST API with IAM authorisation, because MediaPackage reaches no other kind,
 * in its own region only. The integration is not the proxy kind, which MediaPackage v2 does not take; so every status and
 * header is mapped. The caller's role goes along in a header, with a secret that only this API knows.
 */
export class DoorStack extends Stack {
  readonly api: RestApi;
  readonly #balancer: INetworkLoadBalancer;
  /** Kubernetes' service has the gateway's own port. */
  readonly #port: 80 | 8080;
  readonly #doorSecret: ISecret;
  readonly #link: VpcLink;

  constructor(scope: Construct, id: string, props: DoorProps) {
    super(scope, id, props);
    this.#balancer = this.#found(props.gatewayBalancer);
    this.#port = 'arn' in props.gatewayBalancer ? 8080 : 80;
    this.#doorSecret = props.doorSecret;
    this.#link = new VpcLink(this, 'Link', { targets: [this.#balancer] });
    const api = (this.api = this.#makeApi());
    const asked = PATHS.map((path) => this.#open(api, 'POST', path));
    this.#open(api, 'GET', 'speke/v1.0/heartbeat');
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) this.#open(api, method, 'copyProtectionData/{contentId}');

    new CfnOutput(this, 'SPEKEServerURL', { value: api.urlForPath('/copyProtection') });
    for (const encryptor of props.encryptors) this.#letIn(encryptor, asked);
  }

  #found(balancer: DoorProps['gatewayBalancer']): INetworkLoadBalancer {
    if (!('arn' in balancer)) return balancer;
    return NetworkLoadBalancer.fromNetworkLoadBalancerAttributes(this, 'Gateway', {
      loadBalancerArn: balancer.arn,
      loadBalancerDnsName: balancer.dnsName,
    });
  }

  #makeApi(): RestApi {
    return new RestApi(this, 'Speke', {
      description: 'Latchkey: SPEKE for AWS media services',
      endpointTypes: [EndpointType.REGIONAL],
      // Documents are XML text: declared binary, they would reach the integration unread and come back base64.
      binaryMediaTypes: [],
      cloudWatchRole: true,
      deployOptions: {
        stageName: 'v1',
        tracingEnabled: true,
        metricsEnabled: true,
        loggingLevel: MethodLoggingLevel.ERROR,
        // Bodies hold keys.
        dataTraceEnabled: false,
        accessLogDestination: new LogGroupLogDestination(
          new LogGroup(this, 'Requests', { retention: RetentionDays.ONE_MONTH }),
        ),
        accessLogFormat: AccessLogFormat.jsonWithStandardFields(),
        throttlingRateLimit: 500,
        throttlingBurstLimit: 1_000,
      },
      defaultMethodOptions: { authorizationType: AuthorizationType.IAM },
    });
  }

  /** What is not declared of a request cannot be mapped, and a deployment with it is refused. */
  #open(api: RestApi, method: string, path: string): Method {
    const parameters = [...path.matchAll(/{(\w+)}/g)].map(([, name]) => name as string);
    return api.root.resourceForPath(path).addMethod(method, this.#integration(method, path, parameters), {
      authorizationType: AuthorizationType.IAM,
      requestParameters: {
        ...Object.fromEntries(REQUEST_HEADERS.map((name) => [`method.request.header.${name}`, false])),
        ...Object.fromEntries(parameters.map((name) => [`method.request.path.${name}`, true])),
      },
      methodResponses: methodResponses(),
    });
  }

  #integration(httpMethod: string, path: string, parameters: readonly string[]): HttpIntegration {
    return new HttpIntegration(`http://${this.#balancer.loadBalancerDnsName}:${this.#port}/${path}`, {
      httpMethod,
      proxy: false,
      options: {
        connectionType: ConnectionType.VPC_LINK,
        vpcLink: this.#link,
        // 29 s is API Gateway's own end; the gateway answers within 2 s or says 503.
        timeout: Duration.seconds(10),
        passthroughBehavior: PassthroughBehavior.WHEN_NO_MATCH,
        requestParameters: {
          ...Object.fromEntries(
            REQUEST_HEADERS.map((name) => [`integration.request.header.${name}`, `method.request.header.${name}`]),
          ),
          ...Object.fromEntries(
            parameters.map((name) => [`integration.request.path.${name}`, `method.request.path.${name}`]),
          ),
          // In the place of what a caller may have sent by these names.
          'integration.request.header.X-Forwarded-For': 'context.identity.sourceIp',
          'integration.request.header.X-Latchkey-Role-Arn': 'context.identity.userArn',
          // A dynamic reference: CloudFormation resolves it, the template does not have it.
          'integration.request.header.X-Latchkey-Door': `'${this.#doorSecret.secretValue.unsafeUnwrap()}'`,
        },
        integrationResponses: integrationResponses(),
      },
    });
  }

  /** The policy is here and the role in the vault: a door that is built anew leaves endpoints' settings as they are. */
  #letIn({ name, role }: EncryptorRole, methods: readonly Method[]): void {
    new Policy(this, `${name}AsksForKeys`, {
      roles: [role],
      statements: [
        new PolicyStatement({ actions: ['execute-api:Invoke'], resources: methods.map((method) => method.methodArn) }),
      ],
    });
    new CfnOutput(this, `${name}RoleArn`, { value: role.roleArn });
  }
}

function methodResponses(): MethodResponse[] {
  return STATUSES.map((status) => ({
    statusCode: String(status),
    responseParameters: Object.fromEntries(ANSWER_HEADERS.map((name) => [`method.response.header.${name}`, false])),
  }));
}

/** Each status has a pattern of its own; 500 is what API Gateway falls back to, so that an unknown answer is never taken for a 200. */
function integrationResponses(): IntegrationResponse[] {
  return STATUSES.map((status) => ({
    statusCode: String(status),
    ...(status === 500 ? {} : { selectionPattern: String(status) }),
    responseParameters: Object.fromEntries(
      ANSWER_HEADERS.map((name) => [`method.response.header.${name}`, `integration.response.header.${name}`]),
    ),
  }));
}
