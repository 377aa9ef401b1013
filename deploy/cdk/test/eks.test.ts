import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { temporaryDirectory } from '@latchkey/testing';
import { readInstallation } from '../src/config';
import { installForEks } from '../src/installation';
import { pascal, TENANT_READERS } from '../src/services';
import { list, resources, statements } from './stacks';

const BALANCER = {
  arn: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/k8s-latchkey/0123456789abcdef',
  dnsName: 'k8s-latchkey-0123456789abcdef.elb.eu-west-1.amazonaws.com',
};

describe('beside a cluster of one’s own', () => {
  const install = (eks: object, more: object = {}) => {
    const installation = readInstallation({
      LATCHKEY_CDK_CONFIG: JSON.stringify({ region: 'eu-west-1', eks, ...more }),
    });
    const app = new App({ outdir: temporaryDirectory() });
    const stacks = installForEks(app, installation, installation.eks!);
    app.synth();
    return stacks;
  };

  it('is made what pods need of AWS, by their service accounts, and nothing that runs', () => {
    const { vault, pods, door } = install({ clusterName: 'video' });
    expect(door).toBeUndefined();
    Template.fromStack(vault).resourceCountIs('AWS::DynamoDB::GlobalTable', 2);
    const template = Template.fromStack(pods);
    expect(
      resources(template, 'AWS::EKS::PodIdentityAssociation').map(({ Properties }) => Properties['ServiceAccount']),
    ).toEqual(['key-service', 'monitor']);
    expect(statements(template).flatMap(({ Resource }) => list(Resource))).not.toContain('*');
    expect(JSON.stringify(template.toJSON())).toContain('sts:TagSession');
  });

  it('lets pods read tenants where these are rows, and the monitor put events on the buses of its bridges', () => {
    const secretArn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:bridges-AbCdEf';
    const { vault, pods } = install(
      { clusterName: 'video' },
      { tenantsTable: true, bridges: { secretArn, eventBuses: ['drm'] } },
    );
    Template.fromStack(vault).resourceCountIs('AWS::DynamoDB::GlobalTable', 3);
    const template = Template.fromStack(pods);
    const readers = TENANT_READERS.map((name) => `${pascal(name)}Role`);
    const rights = statements(template);
    const scans = rights.filter(({ Action }) => list(Action).includes('dynamodb:Scan'));
    expect(scans.map(({ policy }) => policy.replace(/DefaultPolicy.*/, '')).sort()).toEqual([...readers].sort());
    const puts = rights.filter(({ Action }) => list(Action).includes('events:PutEvents'));
    expect(puts.map(({ policy }) => policy)).toEqual([expect.stringMatching(/^MonitorRole/)]);
    expect(
      resources(template, 'AWS::EKS::PodIdentityAssociation')
        .map(({ Properties }) => Properties['ServiceAccount'])
        .sort(),
    ).toEqual(['monitor', ...TENANT_READERS].sort());
  });

  it('gets the media services’ door when the gateway has a load balancer', () => {
    const { door } = install({ clusterName: 'video', gatewayBalancer: BALANCER });
    const template = Template.fromStack(door!);
    template.hasResourceProperties('AWS::ApiGateway::VpcLink', { TargetArns: [BALANCER.arn] });
    const [method] = resources(template, 'AWS::ApiGateway::Method');
    expect(JSON.stringify(method?.Properties)).toContain(`http://${BALANCER.dnsName}:8080/`);
  });
});
