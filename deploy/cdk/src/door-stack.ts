import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import {
  AuthorizationType,
  ConnectionType,
  EndpointType,
  HttpIntegration,
  MethodLoggingLevel,
  PassthroughBehavior,
  RestApi,
  VpcLink,
  LogGroupLogDestination,
  AccessLogFormat,
  type IntegrationResponse,
  type MethodResponse,
  type IResource,
} from 'aws-cdk-lib/aws-apigateway';
import type { INetworkLoadBalancer } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Installation } from './config';

export interface DoorProps extends StackProps {
  readonly encryptors: Installation['encryptors'];
  readonly gatewayBalancer: INetworkLoadBalancer;
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

/**
 * Where AWS media services come in: a regional REST API with IAM authorisation, because MediaPackage reaches no other kind,
 * in its own region only. The integration is not the proxy kind, which MediaPackage v2 does not take; so every status and
 * header is mapped. The caller's role goes along in a header, with a secret that only this API knows.
 */
export class DoorStack extends Stack {
  constructor(scope: Construct, id: string, props: DoorProps) {
    super(scope, id, props);
    const link = new VpcLink(this, 'Link', { targets: [props.gatewayBalancer] });
    const api = new RestApi(this, 'Speke', {
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
    const answer = (resource: IResource, method: string, path: string, parameters: readonly string[] = []) =>
      resource.addMethod(method, this.#integration(link, props, method, path, parameters), {
        authorizationType: AuthorizationType.IAM,
        requestParameters: Object.fromEntries(parameters.map((name) => [`method.request.path.${name}`, true])),
        methodResponses: methodResponses(),
      });
    const paths = [...['v1.0', 'v2.0', 'v2.1'].map((version) => `speke/${version}/copyProtection`), 'copyProtection'];
    const asked = paths.map((path) => answer(api.root.resourceForPath(path), 'POST', path));
    answer(api.root.resourceForPath('speke/v1.0/heartbeat'), 'GET', 'speke/v1.0/heartbeat');

    new CfnOutput(this, 'SPEKEServerURL', { value: api.urlForPath('/copyProtection') });
    for (const encryptor of props.encryptors) {
      const role = this.#encryptorRole(
        encryptor,
        asked.map((method) => method.methodArn),
      );
      new CfnOutput(this, `${pascal(encryptor)}RoleArn`, { value: role.roleArn });
    }
  }

  #integration(link: VpcLink, props: DoorProps, httpMethod: string, path: string, parameters: readonly string[]) {
    return new HttpIntegration(`http://${props.gatewayBalancer.loadBalancerDnsName}/${path}`, {
      httpMethod,
      proxy: false,
      options: {
        connectionType: ConnectionType.VPC_LINK,
        vpcLink: link,
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
          'integration.request.header.X-Latchkey-Role-Arn': 'context.identity.userArn',
          'integration.request.header.X-Latchkey-Door': `'${props.doorSecret.secretValue.unsafeUnwrap()}'`,
        },
        integrationResponses: integrationResponses(),
      },
    });
  }

  /** The role that a media service assumes to ask for keys; only for endpoints of this account. */
  #encryptorRole(service: Installation['encryptors'][number], methodArns: string[]): Role {
    return new Role(this, `${pascal(service)}Role`, {
      description: `Latchkey: lets ${service} ask for content keys`,
      assumedBy: new ServicePrincipal(`${service}.amazonaws.com`, {
        // A stranger's endpoint must not be able to use our role (confused deputy).
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
      inlinePolicies: {
        askForKeys: new PolicyDocument({
          statements: [
            new PolicyStatement({ effect: Effect.ALLOW, actions: ['execute-api:Invoke'], resources: methodArns }),
          ],
        }),
      },
    });
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

function pascal(name: string): string {
  return { mediapackage: 'MediaPackage', mediapackagev2: 'MediaPackageV2', mediaconvert: 'MediaConvert' }[name] ?? name;
}
