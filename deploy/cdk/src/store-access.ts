import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { KEY_TABLE_RIGHTS } from './key-table-rights';
import type { VaultStack } from './vault-stack';

export interface StoreUsers {
  readonly keyService: IGrantable;
  readonly monitor: IGrantable;
  /** Those that read tenants. */
  readonly tenantReaders: readonly IGrantable[];
}

/** Named actions on named tables: only key-service reaches keys, only the monitor its ledger. None may make or change a table. */
export function allowStores(vault: VaultStack, { keyService, monitor, tenantReaders }: StoreUsers): void {
  const rights = Object.entries(KEY_TABLE_RIGHTS).map(([action, rows]) => [`dynamodb:${action}`, rows] as const);
  const everywhere = rights.filter(([, rows]) => rows === 'all').map(([action]) => action);
  vault.allowTable(keyService, vault.keyTable, everywhere);
  for (const [action, rows] of rights) {
    if (rows !== 'all') vault.allowPartitions(keyService, vault.keyTable, action, rows);
  }
  vault.allowKeyIndex(keyService);
  vault.allowWrapping(keyService);
  vault.allowTable(monitor, vault.ledgerTable, [
    'dynamodb:BatchGetItem',
    'dynamodb:BatchWriteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
  ]);
  if (!vault.tenantsTable) return;
  // Who may change tenants is an operator, with a role of its own.
  for (const reader of tenantReaders)
    vault.allowTable(reader, vault.tenantsTable, ['dynamodb:GetItem', 'dynamodb:Scan']);
}
