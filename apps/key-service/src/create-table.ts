import { parseArgs } from 'node:util';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { readKeyServiceConfig } from './config';
import { createKeyTable } from './store/dynamodb-table';

/**
 * `node dist/create-table.js [--unprotected]`: makes the table that DYNAMODB_TABLE names, or leaves the one that is there.
 * Unprotected is for DynamoDB Local, which knows neither deletion protection nor point-in-time recovery.
 */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { unprotected: { type: 'boolean', default: false } } });
  const { DYNAMODB_TABLE: table } = readKeyServiceConfig(process.env);
  if (!table) throw new Error('DYNAMODB_TABLE must be set: the name of the table');
  const protect = !values.unprotected;
  await createKeyTable(new DynamoDBClient(), table, { deletionProtection: protect, pointInTimeRecovery: protect });
  process.stdout.write(`${table} is there\n`);
}

main().catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
});
