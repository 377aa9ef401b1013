import { Validations, type Stack } from 'aws-cdk-lib';

/** What cdk-nag's AwsSolutions rules say against this installation, and why it stays so, by part and rule. */
const ACCEPTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  network: {
    EC23: 'The rule cannot read the VPC’s range where it is a reference; it is whom the endpoint of KMS lets in.',
  },
  vault: {
    SMG4: 'What is in them is changed by people: bus identities and access are replaced and services deployed anew; docs/deploy-ecs.md says how.',
  },
  runtime: {
    'IAM5[Resource::*]':
      'ecr:GetAuthorizationToken and the write actions of X-Ray know no resources; a test holds that nothing else is so.',
    ECS2: 'Settings are variables; secrets come from Secrets Manager, and a test holds that none is a plain variable.',
    ELB2: 'Each service logs each request, with its exchange; the balancers are inside the VPC.',
    EC23: 'The rule cannot read the VPC’s range where it is a reference; a test holds who may come in.',
    CFR1: 'Players are wherever the rights to the content are, which entitlement says.',
    CFR2: 'Signed URLs or tokens decide; a web ACL is for the owner of the distribution to add.',
    CFR3: 'Its log would keep signed URLs. key-delivery counts deliveries and keeps denials in the ledger.',
    CFR4: 'Under CloudFront’s own name it is CloudFront that chooses TLS versions; with `delivery.domainName` TLS 1.2 is the least.',
  },
  door: {
    COG4: 'IAM authorises every method: it is what media services sign with.',
    APIG2: 'The gateway validates documents and answers with the texts that SPEKE prescribes.',
    APIG3: 'Whoever has no IAM permission for a method is refused before it costs anything.',
    'IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]':
      'The role of API Gateway’s account settings, as AWS defines it.',
  },
};

export function acceptFindings(stacks: Readonly<Record<string, Stack>>): void {
  for (const [part, stack] of Object.entries(stacks)) {
    for (const [rule, reason] of Object.entries(ACCEPTED[part] ?? {})) {
      Validations.of(stack).acknowledge({ id: `AwsSolutions::AwsSolutions-${rule}`, reason });
    }
  }
}
