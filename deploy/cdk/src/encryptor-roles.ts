import { Stack } from 'aws-cdk-lib';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { EncryptorService } from './config';

const NAMES = {
  mediapackage: 'MediaPackage',
  mediapackagev2: 'MediaPackageV2',
  mediaconvert: 'MediaConvert',
} as const satisfies Record<EncryptorService, string>;

/** A role that a media service assumes to ask for keys. What it may call is the door's to say. */
export interface EncryptorRole {
  readonly service: EncryptorService;
  /** As in names of constructs and outputs. */
  readonly name: string;
  readonly role: Role;
}

/** Only for endpoints and jobs of this account: a stranger's must not be able to use our role (confused deputy). */
export function addEncryptorRoles(scope: Construct, services: readonly EncryptorService[]): EncryptorRole[] {
  const { account } = Stack.of(scope);
  return services.map((service) => ({
    service,
    name: NAMES[service],
    role: new Role(scope, `${NAMES[service]}Role`, {
      description: `Latchkey: lets ${service} ask for content keys`,
      assumedBy: new ServicePrincipal(`${service}.amazonaws.com`, {
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    }),
  }));
}
