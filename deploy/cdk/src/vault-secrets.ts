import { RemovalPolicy, SecretValue } from 'aws-cdk-lib';
import { Secret, type ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { Installation } from './config';
import type { EncryptorRole } from './encryptor-roles';
import { pascal, SERVICE_NAMES, type ServiceName } from './services';

/** The files of deploy/nats/make-identities.mjs, each in a secret `<name>/bus/<file>`; an operator puts them there once. */
export interface BusSecrets {
  readonly authority: ISecret;
  readonly users: ISecret;
  readonly certificate: ISecret;
  readonly certificateKey: ISecret;
  readonly seeds: Readonly<Record<ServiceName, ISecret>>;
}

export interface VaultSecrets {
  readonly bus: BusSecrets;
  readonly tenants: ISecret;
  /** 32 bytes, base64: wraps SigV4 secrets and makes Digest nonces, the same for all gateways. */
  readonly credentialsKey: ISecret;
  /** What API Gateway says to the gateway, so that nobody else in the VPC can name a role. */
  readonly door: ISecret;
  /** Webhooks and event buses, where there are any. */
  readonly bridges: ISecret | undefined;
  /** Who may see the console; an operator replaces it (docs/console.md). */
  readonly consoleAccess: ISecret;
}

/** Each service is later given its own of them, and no more. */
export function addVaultSecrets(
  scope: Construct,
  { name, tenantsSecretArn, bridges }: Installation,
  encryptors: readonly EncryptorRole[],
): VaultSecrets {
  const busFile = (file: string) =>
    kept(scope, `Bus${pascal(file.replace('.', '-'))}`, {
      secretName: `${name}/bus/${file}`,
      description: `Latchkey: ${file} of deploy/nats/make-identities.mjs`,
    });
  return {
    bus: {
      authority: busFile('ca.pem'),
      users: busFile('nats.env'),
      certificate: busFile('server.pem'),
      certificateKey: busFile('server.key'),
      seeds: Object.fromEntries(SERVICE_NAMES.map((each) => [each, busFile(`${each}.seed`)])) as Record<
        ServiceName,
        Secret
      >,
    },
    tenants: tenantsSecretArn
      ? Secret.fromSecretCompleteArn(scope, 'Tenants', tenantsSecretArn)
      : firstTenants(scope, name, encryptors),
    credentialsKey: kept(scope, 'CredentialsKey', {
      secretName: `${name}/credentials-key`,
      description: 'Latchkey: wraps SigV4 secrets in the tenants file',
      // 43 letters and digits are 32 bytes in base64.
      generateSecretString: { passwordLength: 43, excludePunctuation: true },
    }),
    door: kept(scope, 'Door', {
      secretName: `${name}/door`,
      description: 'Latchkey: what API Gateway says to the SPEKE gateway',
      generateSecretString: { passwordLength: 48, excludePunctuation: true },
    }),
    bridges: bridges && Secret.fromSecretCompleteArn(scope, 'Bridges', bridges.secretArn),
    // Of a token that nobody has: its hash is of no text.
    consoleAccess: kept(scope, 'ConsoleAccess', {
      secretName: `${name}/console-access`,
      description: 'Latchkey: who may see the console (CONSOLE_ACCESS)',
      secretStringValue: SecretValue.unsafePlainText(
        JSON.stringify({ tokens: [{ id: 'nobody-yet', sha256: '0'.repeat(64), roles: ['viewer'] }] }),
      ),
    }),
  };
}

/**
 * One tenant, `default`: the media services of this account by their roles, and keys for players with a signed URL. What
 * signs is generated, and stands in this secret alone. It is a beginning: `tenantsSecretArn` or
 * `tenantsTable` is what one goes on with.
 */
function firstTenants(scope: Construct, name: string, encryptors: readonly EncryptorRole[]): ISecret {
  const signing = kept(scope, 'UrlSigning', {
    description: 'Latchkey: signs the URLs of keys (tenant default)',
    // Letters and digits only: base64url of 36 bytes.
    generateSecretString: { passwordLength: 48, excludePunctuation: true },
  });
  const tenant = {
    id: 'default',
    encryptors: encryptors.map(({ service, role }) => ({ id: service, method: 'aws-role', roleArn: role.roleArn })),
    delivery: {
      // CloudFormation puts the secret there; neither the template nor its parameters have it.
      entitlement: { mode: 'signed-url', secrets: [{ kid: 'first', secret: signing.secretValue.unsafeUnwrap() }] },
    },
  };
  return kept(scope, 'Tenants', {
    secretName: `${name}/tenants`,
    description: 'Latchkey: the tenants file',
    secretStringValue: SecretValue.unsafePlainText(JSON.stringify({ tenants: [tenant] })),
  });
}

function kept(scope: Construct, id: string, props: ConstructorParameters<typeof Secret>[2]): Secret {
  return new Secret(scope, id, { ...props, removalPolicy: RemovalPolicy.RETAIN });
}
