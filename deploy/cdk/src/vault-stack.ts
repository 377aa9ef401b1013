import { Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, Billing, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Effect, PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';

/** What must outlive every deployment: the two tables and the keys that protect them. Nothing here is ever deleted by CloudFormation. */
export class VaultStack extends Stack {
  /** Wraps content keys (GenerateDataKey, Decrypt). Only key-service may use it. */
  readonly wrappingKey: Key;
  readonly keyTable: TableV2;
  readonly ledgerTable: TableV2;

  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, { ...props, terminationProtection: true });
    this.wrappingKey = customerKey(this, 'WrappingKey', 'Latchkey: wraps content keys');
    const storageKey = customerKey(this, 'StorageKey', 'Latchkey: encrypts its tables at rest');
    const protectedTable = {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.customerManagedKey(storageKey),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    };
    this.keyTable = new TableV2(this, 'KeyTable', {
      ...protectedTable,
      timeToLiveAttribute: 'ttl',
    });
    this.ledgerTable = new TableV2(this, 'LedgerTable', protectedTable);
  }

  /** Wrap and unwrap under an encryption context that names the tenant, and nothing else of KMS. */
  allowWrapping(grantee: IGrantable): void {
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        actions: ['kms:GenerateDataKey', 'kms:Decrypt'],
        resources: [this.wrappingKey.keyArn],
        conditions: { Null: { 'kms:EncryptionContext:tenant': 'false', 'kms:EncryptionContext:purpose': 'false' } },
      }),
    );
    grantee.grantPrincipal.addToPrincipalPolicy(
      new PolicyStatement({ actions: ['kms:DescribeKey'], resources: [this.wrappingKey.keyArn] }),
    );
  }
}

function customerKey(scope: Construct, id: string, description: string): Key {
  return new Key(scope, id, {
    description,
    enableKeyRotation: true,
    pendingWindow: Duration.days(30),
    removalPolicy: RemovalPolicy.RETAIN,
  });
}
