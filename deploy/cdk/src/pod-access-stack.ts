import { Stack, type StackProps } from 'aws-cdk-lib';
import { CfnPodIdentityAssociation } from 'aws-cdk-lib/aws-eks';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Installation } from './config';
import { allowEventBuses } from './event-buses';
import { pascal, TENANT_READERS } from './services';
import { allowStores } from './store-access';
import type { VaultStack } from './vault-stack';

export interface PodAccessProps extends StackProps {
  readonly vault: VaultStack;
  readonly installation: Installation;
  readonly cluster: NonNullable<Installation['eks']>;
}

/** What pods of deploy/kubernetes may do in this account, by the service account they run as (EKS Pod Identity). */
export class PodAccessStack extends Stack {
  constructor(scope: Construct, id: string, { vault, cluster, installation, ...props }: PodAccessProps) {
    super(scope, id, props);
    const needy = vault.tenantsTable ? TENANT_READERS : [];
    const roles = new Map(
      [...new Set(['key-service', 'monitor', ...needy])].map((service) => [service, this.#role(service, cluster)]),
    );
    const roleOf = (service: string) => roles.get(service) as Role;
    allowStores(vault, {
      keyService: roleOf('key-service'),
      monitor: roleOf('monitor'),
      tenantReaders: needy.map(roleOf),
    });
    allowEventBuses(this, roleOf('monitor'), installation);
  }

  #role(service: string, { clusterName, namespace }: PodAccessProps['cluster']): Role {
    const pods = new ServicePrincipal('pods.eks.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
    });
    const role = new Role(this, `${pascal(service)}Role`, {
      description: `Latchkey: ${service} on EKS`,
      assumedBy: pods,
    });
    // Pod Identity names the pod in session tags.
    role.assumeRolePolicy?.addStatements(new PolicyStatement({ actions: ['sts:TagSession'], principals: [pods] }));
    new CfnPodIdentityAssociation(this, `${pascal(service)}Association`, {
      clusterName,
      namespace,
      serviceAccount: service,
      roleArn: role.roleArn,
    });
    return role;
  }
}
