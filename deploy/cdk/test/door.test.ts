import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { list, resources, statements, templatesOf, type Templates } from './stacks';

const ROOT = join(__dirname, '../../..');
const SPEKE_PATHS = spekePaths();
const HEADER = /^method\.response\.header\.(.+)$/;
let templates: Templates;
let methods: readonly Method[];

interface Method {
  readonly HttpMethod: string;
  readonly AuthorizationType: string;
  readonly ApiKeyRequired?: boolean;
  readonly RequestParameters: Readonly<Record<string, boolean>>;
  readonly MethodResponses: readonly { readonly StatusCode: string; readonly ResponseParameters: object }[];
  readonly Integration: {
    readonly Type: string;
    readonly ConnectionType: string;
    readonly TimeoutInMillis: number;
    readonly Uri: unknown;
    readonly RequestParameters: Readonly<Record<string, unknown>>;
    readonly IntegrationResponses: readonly { readonly StatusCode: string; readonly SelectionPattern?: string }[];
  };
}

beforeAll(() => {
  templates = templatesOf();
  methods = resources(templates.door, 'AWS::ApiGateway::Method').map(
    ({ Properties }) => Properties as unknown as Method,
  );
});

/** What SPEKE's AWS encryptors want of API Gateway, and what usually goes wrong there. */
describe('the media services’ door', () => {
  it('is a REST API in the region of its encryptors, which is as far as MediaPackage reaches', () => {
    templates.door.hasResourceProperties('AWS::ApiGateway::RestApi', {
      EndpointConfiguration: { Types: ['REGIONAL'] },
    });
  });

  it('opens the paths that the gateway answers, the heartbeat and the stored documents', () => {
    const opened = methods.map(({ HttpMethod, Integration }) => `${HttpMethod} /${pathOf(Integration.Uri)}`).sort();
    expect(opened).toEqual(
      [
        ...SPEKE_PATHS.map((path) => `POST ${path}`),
        'GET /speke/v1.0/heartbeat',
        ...['GET', 'POST', 'PUT', 'DELETE'].map((method) => `${method} /copyProtectionData/{contentId}`),
      ].sort(),
    );
  });

  it('asks IAM about every caller of every method', () => {
    expect(methods.map(({ AuthorizationType }) => AuthorizationType)).toEqual(methods.map(() => 'AWS_IAM'));
    expect(methods.length).toBeGreaterThan(8);
  });

  it('never proxies, which MediaPackage v2 does not take, and gives up before API Gateway’s own 29 s', () => {
    for (const { Integration } of methods) {
      expect(Integration).toMatchObject({ Type: 'HTTP', ConnectionType: 'VPC_LINK' });
      expect(Integration.TimeoutInMillis).toBeLessThanOrEqual(29_000);
      expect(Integration.TimeoutInMillis).toBeGreaterThan(2_000);
    }
  });

  it('declares what it maps of a request: a deployment that does not is refused', () => {
    for (const { Integration, RequestParameters } of methods) {
      const mapped = Object.values(Integration.RequestParameters).filter((from) =>
        String(from).startsWith('method.request.'),
      );
      expect(Object.keys(RequestParameters)).toEqual(expect.arrayContaining(mapped));
      expect(mapped).toContain('method.request.header.X-Speke-Version');
    }
  });

  it('says itself who calls, over whatever the caller says, and proves it with a secret that no template holds', () => {
    for (const { Integration } of methods) {
      expect(Integration.RequestParameters).toMatchObject({
        'integration.request.header.X-Latchkey-Role-Arn': 'context.identity.userArn',
        'integration.request.header.X-Forwarded-For': 'context.identity.sourceIp',
      });
      const secret = JSON.stringify(Integration.RequestParameters['integration.request.header.X-Latchkey-Door']);
      expect(secret).toContain('{{resolve:secretsmanager:');
    }
  });

  it('passes every status that the gateway answers, each as itself; an unknown one becomes 500, never 200', () => {
    for (const { Integration, MethodResponses } of methods) {
      const passed = Integration.IntegrationResponses;
      expect(
        passed.filter(({ SelectionPattern }) => SelectionPattern === undefined).map(({ StatusCode }) => StatusCode),
      ).toEqual(['500']);
      for (const { StatusCode, SelectionPattern = '500' } of passed) expect(SelectionPattern).toBe(StatusCode);
      expect(MethodResponses.map(({ StatusCode }) => StatusCode)).toEqual(passed.map(({ StatusCode }) => StatusCode));
      expect(passed.map(({ StatusCode }) => StatusCode)).toEqual(expect.arrayContaining(answeredStatuses()));
    }
  });

  it('passes the headers that SPEKE wants back', () => {
    for (const { MethodResponses } of methods) {
      for (const { ResponseParameters } of MethodResponses) {
        const headers = Object.keys(ResponseParameters).map((name) => HEADER.exec(name)?.[1]);
        expect(headers).toEqual(
          expect.arrayContaining(['Content-Type', 'X-Speke-User-Agent', 'X-Speke-Version', 'X-Request-Id', 'ETag']),
        );
      }
    }
  });

  it('logs no body: bodies hold keys', () => {
    for (const { Properties } of resources(templates.door, 'AWS::ApiGateway::Stage')) {
      const settings = Properties['MethodSettings'] as { DataTraceEnabled: boolean }[];
      expect(settings.map(({ DataTraceEnabled }) => DataTraceEnabled)).toEqual([false]);
    }
  });
});

describe('the roles of media services', () => {
  it.each(['mediapackage', 'mediapackagev2', 'mediaconvert'])(
    '%s takes its role for this account’s endpoints only',
    (service) => {
      templates.vault.hasResourceProperties('AWS::IAM::Role', {
        AssumeRolePolicyDocument: {
          Statement: [
            {
              Action: 'sts:AssumeRole',
              Effect: 'Allow',
              Principal: { Service: `${service}.amazonaws.com` },
              Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
            },
          ],
          Version: '2012-10-17',
        },
      });
    },
  );

  it('may ask for keys by POST, and nothing else', () => {
    const asking = statements(templates.door);
    expect(asking).toHaveLength(3);
    for (const { Action, Resource } of asking) {
      expect(Action).toBe('execute-api:Invoke');
      expect(list(Resource)).toHaveLength(SPEKE_PATHS.length);
      for (const resource of list(Resource)) expect(resource).toMatch(/\/POST\/.*copyProtection"/);
    }
  });

  it('are told with the URL as outputs', () => {
    expect(Object.keys(templates.door.findOutputs('*'))).toEqual(
      expect.arrayContaining(['SPEKEServerURL', 'MediaPackageRoleArn', 'MediaPackageV2RoleArn', 'MediaConvertRoleArn']),
    );
  });
});

/** As the gateway's controller has them. */
function spekePaths(): string[] {
  const controller = readFileSync(join(ROOT, 'apps/speke-gateway/src/copy-protection.controller.ts'), 'utf8');
  const [list = ''] = /SPEKE_PATHS = \[[^\]]+\]/.exec(controller) ?? [];
  return [...list.matchAll(/'([^']+)'/g)].map(([, path]) => path as string);
}

function pathOf(uri: unknown): string {
  const parts = (uri as { 'Fn::Join': [string, unknown[]] })['Fn::Join'][1];
  return String(parts.at(-1)).replace(/^:\d+\//, '');
}

/** Every HTTP status in the sources of the gateway, SPEKE's catalogue and what answers HTTP for both. */
function answeredStatuses(): string[] {
  const sources = ['apps/speke-gateway/src', 'libs/speke/src', 'libs/http/src'].flatMap((room) =>
    readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(ROOT, room, file), 'utf8')),
  );
  const statuses = sources.flatMap((text) => [
    ...text.matchAll(
      /(?:(?:HttpProblem|AuthenticationFailure)\(|(?:status|httpStatus): |\.(?:code|status)\()([2-5]\d\d)\b/g,
    ),
  ]);
  return [...new Set(statuses.map(([, status]) => status as string))];
}
