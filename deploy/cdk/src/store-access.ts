import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import type { VaultStack } from './vault-stack';

export interface StoreUsers {
  readonly keyService: IGrantable;
  readonly monitor: IGrantable;
}

/** Named actions on named tables: only key-service reaches keys, only the monitor its ledger. Neither may make or change a table. */
export function allowStores(vault: VaultStack, { keyService, monitor }: StoreUsers): void {
  vault.allowTable(keyService, vault.keyTable, [
    'dynamodb:BatchGetItem',
    'dynamodb:BatchWriteItem',
    'dynamodb:DeleteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
    'dynamodb:UpdateItem',
  ]);
  vault.allowKeyIndex(keyService);
  vault.allowWrapping(keyService);
  vault.allowTable(monitor, vault.ledgerTable, [
    'dynamodb:BatchGetItem',
    'dynamodb:BatchWriteItem',
    'dynamodb:GetItem',
    'dynamodb:PutItem',
    'dynamodb:Query',
  ]);
}
