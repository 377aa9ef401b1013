import { CfnOutput, Duration, RemovalPolicy, Stack, type StackProps } from 'aws-cdk-lib';
import { AttributeType, Billing, ProjectionType, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement, type IGrantable } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import type { Construct } from 'constructs';
import type { Installation } from './config';
import { addEncryptorRoles, type EncryptorRole } from './encryptor-roles';
import { addVaultSecrets, type VaultSecrets } from './vault-secrets';

export interface VaultProps extends StackProps {
  readonly installation: Installation;
}

const BY_KEY_ID = 'by-key-id';

/** What must outlive every deployment: the tables, the keys that protect them, secrets, and the roles that endpoints of media services name. CloudFormation deletes none of the data. */
export class VaultStack extends Stack {
  /** Wraps content keys (GenerateDataKey, Decrypt). Only key-service may use it. */
  readonly wrappingKey: Key;
  readonly keyTable: TableV2;
  readonly ledgerTable: TableV2;
  /** Where an installation keeps its tenants in rows. */
  readonly tenantsTable: TableV2 | undefined;
  readonly encryptors: readonly EncryptorRole[];
  readonly secrets: VaultSecrets;
  readonly #storageKey: Key;

  constructor(scope: Construct, id: string, props: VaultProps) {
    super(scope, id, { ...props, terminationProtection: true });
    this.wrappingKey = customerKey(this, 'WrappingKey', 'Latchkey: wraps content keys');
    this.#storageKey = customerKey(this, 'StorageKey', 'Latchkey: encrypts its tables at rest');
    const kept = {
      billing: Billing.onDemand(),
      encryption: TableEncryptionV2.customerManagedKey(this.#storageKey),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    };
    const protectedTable = {
      ...kept,
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
    };
    this.keyTable = new TableV2(this, 'KeyTable', {
      ...protectedTable,
      timeToLiveAttribute: 'ttl',
      globalSecondaryIndexes: [
        {
          indexName: BY_KEY_ID,
          partitionKey: { name: 'kid', type: AttributeType.STRING },
          projectionType: ProjectionType.KEYS_ONLY,
        },
      ],
    });
    this.ledgerTable = new TableV2(this, 'LedgerTable', protectedTable);
    this.tenantsTable = props.installation.tenantsTable
      ? new TableV2(this, 'TenantsTable', { ...kept, partitionKey: { name: 'id', type: AttributeType.STRING } })
      : undefined;
    this.encryptors = addEncryptorRoles(this, props.installation.encryptors);
    this.secrets = addVaultSecrets(this, props.installation, this.encryptors);
    new CfnOutput(this, 'KeyTableName', { value: this.keyTable.tableName });
    new CfnOutput(this, 'LedgerTableName', { value: this.ledgerTable.tableName });
    if (this.tenantsTable) new CfnOutput(this, 'TenantsTableName', { value: this.tenantsTable.tableName });
    new CfnOutput(this, 'WrappingKeyArn', { value: this.wrappingKey.keyArn });
  }

  /** Wrap and unwrap under an encryption context that names the tenant, and nothing else of KMS. */
  allowWrapping(grantee: IGrantable): void {
    allow(grantee, ['kms:GenerateDataKey', 'kms:Decrypt'], [this.wrappingKey.keyArn], {
      Null: { 'kms:EncryptionContext:tenant': 'false', 'kms:EncryptionContext:purpose': 'false' },
    });
    allow(grantee, ['kms:DescribeKey'], [this.wrappingKey.keyArn]);
  }

  /** The index of key IDs is asked, never written. */
  allowKeyIndex(grantee: IGrantable): void {
    allow(grantee, ['dynamodb:Query'], [`${this.keyTable.tableArn}/index/${BY_KEY_ID}`]);
  }

  /** Actions on rows of which the first part of the partition key is one of these. */
  allowPartitions(grantee: IGrantable, table: TableV2, action: string, partitions: readonly string[]): void {
    allow(grantee, [action], [table.tableArn], {
      'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': partitions.map((partition) => `${partition}#*`) },
      Null: { 'dynamodb:LeadingKeys': 'false' },
    });
  }

  /** These actions on the table, and through DynamoDB alone on the key that encrypts it at rest. */
  allowTable(grantee: IGrantable, table: TableV2, actions: readonly string[]): void {
    allow(grantee, actions, [table.tableArn]);
    allow(grantee, ['kms:Decrypt', 'kms:DescribeKey', 'kms:GenerateDataKey'], [this.#storageKey.keyArn], {
      StringEquals: { 'kms:ViaService': `dynamodb.${this.region}.${this.urlSuffix}` },
    });
  }
}

function allow(grantee: IGrantable, actions: readonly string[], resources: string[], conditions = {}): void {
  grantee.grantPrincipal.addToPrincipalPolicy(new PolicyStatement({ actions: [...actions], resources, conditions }));
}

function customerKey(scope: Construct, id: string, description: string): Key {
  return new Key(scope, id, {
    description,
    enableKeyRotation: true,
    pendingWindow: Duration.days(30),
    removalPolicy: RemovalPolicy.RETAIN,
  });
}
