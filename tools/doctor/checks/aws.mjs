// The media services' side: the role that they assume, and where they are. Read only.
import { elementsNamed, readXmlTree } from '@latchkey/testing';
import { awsSigner } from '../authorization.mjs';
import { insist, NotHere } from '../findings.mjs';
import { regionOf } from '../options.mjs';

export async function checkAws(findings, options, environment) {
  await findings.check(
    'API Gateway is in the region of the media service',
    'Deploy the door into the region of the channel or job: MediaPackage reaches no other.',
    () => {
      const region = regionOf(new URL(options.url).hostname);
      if (!options['endpoint-region']) throw new NotHere('--endpoint-region was not given');
      if (!region) throw new NotHere('the URL is not one of API Gateway');
      insist(region === options['endpoint-region'], `it is in ${region}`);
      return region;
    },
  );
  await findings.check(
    'the media service may assume the role',
    `Let ${options.service}.amazonaws.com sts:AssumeRole in the role's trust policy.`,
    async () => {
      if (!options['role-arn']) throw new NotHere('--role-arn was not given');
      const statements = await trustOf(options['role-arn'], environment);
      const trusted = statements.filter((statement) => trusts(statement, `${options.service}.amazonaws.com`));
      insist(trusted.length > 0, `it does not trust ${options.service}.amazonaws.com`);
      const bound = trusted.every(({ Condition }) => /aws:Source(Account|Arn)/i.test(JSON.stringify(Condition ?? {})));
      insist(
        bound,
        'the trust has no condition on aws:SourceAccount: other accounts could use it through the service',
        {
          warning: true,
        },
      );
    },
  );
}

function trusts({ Effect, Action, Principal }, service) {
  return (
    Effect === 'Allow' && [Action].flat().includes('sts:AssumeRole') && [Principal?.Service].flat().includes(service)
  );
}

/** iam:GetRole, which answers XML with the policy percent-encoded in it. */
async function trustOf(roleArn, environment) {
  const name = roleArn.split('/').at(-1);
  const endpoint = new URL(environment.AWS_ENDPOINT_URL_IAM ?? 'https://iam.amazonaws.com');
  const body = new URLSearchParams({ Action: 'GetRole', Version: '2010-05-08', RoleName: name }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', host: endpoint.host };
  const { headers: signed } = await awsSigner(environment, { service: 'iam', region: 'us-east-1' }).sign({
    method: 'POST',
    protocol: endpoint.protocol,
    hostname: endpoint.hostname,
    path: '/',
    query: {},
    headers,
    body,
  });
  const { host: _, ...sent } = signed;
  const answer = await fetch(endpoint, { method: 'POST', headers: sent, body, signal: AbortSignal.timeout(10_000) });
  const tree = await readXmlTree(await answer.text());
  const [fault] = elementsNamed(tree, 'Message');
  insist(answer.ok, `iam:GetRole got ${answer.status} ${fault?.text ?? ''}`, {
    fix: 'Let these credentials iam:GetRole on that role, or leave --role-arn out.',
  });
  const [policy] = elementsNamed(tree, 'AssumeRolePolicyDocument');
  return [JSON.parse(decodeURIComponent(policy.text)).Statement].flat();
}
