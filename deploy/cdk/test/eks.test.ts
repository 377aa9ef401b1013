import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { readInstallation } from '../src/config';
import { installForEks } from '../src/installation';
import { list, resources, statements } from './stacks';

const BALANCER = {
  arn: 'arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/net/k8s-latchkey/0123456789abcdef',
  dnsName: 'k8s-latchkey-0123456789abcdef.elb.eu-west-1.amazonaws.com',
};

describe('beside a cluster of one’s own', () => {
  const install = (eks: object) => {
    const installation = readInstallation({ LATCHKEY_CDK_CONFIG: JSON.stringify({ region: 'eu-west-1', eks }) });
    const app = new App();
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
  }, 60_000);

  it('gets the media services’ door when the gateway has a load balancer', () => {
    const { door } = install({ clusterName: 'video', gatewayBalancer: BALANCER });
    const template = Template.fromStack(door!);
    template.hasResourceProperties('AWS::ApiGateway::VpcLink', { TargetArns: [BALANCER.arn] });
    const [method] = resources(template, 'AWS::ApiGateway::Method');
    expect(JSON.stringify(method?.Properties)).toContain(`http://${BALANCER.dnsName}:8080/`);
  }, 60_000);
});
