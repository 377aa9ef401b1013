import type { AttributeValue, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { dynamoDbLocalMissing, startDynamoDbLocal, type DynamoDbLocal } from '@latchkey/testing';
import { KEY_TABLE_RIGHTS } from '../../../deploy/cdk/src/key-table-rights';
import { openDynamoDbKeyStore } from '../src/store/dynamodb-key-store';
import { describeWith } from './describe-with';
import { describeKeyStore } from './key-store.conformance';
import { dynamoDbClient, newTable, PATIENT, quiet } from './stores';

// A transaction takes DynamoDB Local long on a busy machine.
describeWith(dynamoDbLocalMissing())('DynamoDB key store', () => {
  const used = new Map<string, Set<string>>();
  let dynamoDb: DynamoDbLocal;
  let table: string;
  beforeAll(async () => {
    dynamoDb = await startDynamoDbLocal();
    table = await newTable(dynamoDb.endpoint);
  });
  afterAll(() => dynamoDb.close());

  describe('as every store', () =>
    describeKeyStore(() => ({
      open: async () => {
        const client = dynamoDbClient(dynamoDb.endpoint, PATIENT);
        recordRights(client, used);
        return openDynamoDbKeyStore({ table, logger: quiet, client });
      },
    })));

  // issue 9, 5: least privilege
  it('has done to its rows what the IAM policy of deploy/cdk lets it do, and all of that', () => {
    // Who re-encrypts under another KMS key is an operator.
    used.delete('Scan');
    for (const [action, kinds] of used) {
      const allowed = KEY_TABLE_RIGHTS[action] ?? [];
      expect([action, [...kinds].filter((kind) => allowed !== 'all' && !allowed.includes(kind))]).toEqual([action, []]);
    }
    for (const [action, kinds] of Object.entries(KEY_TABLE_RIGHTS)) {
      const done = [...(used.get(action) ?? [])].sort();
      expect([action, kinds === 'all' ? done.length > 0 : done]).toEqual([
        action,
        kinds === 'all' ? true : [...kinds].sort(),
      ]);
    }
  });
});

type Item = Record<string, AttributeValue>;
interface Row {
  readonly Key?: Item;
  readonly Item?: Item;
  readonly UpdateExpression?: string;
}
interface Input extends Row {
  readonly RequestItems?: Record<string, { Keys?: Item[] } | { PutRequest?: Row; DeleteRequest?: Row }[]>;
  readonly TransactItems?: Record<string, Row>[];
}

/** By IAM's action, the first letters of the partition keys that it was done to. */
function recordRights(client: DynamoDBClient, used: Map<string, Set<string>>): void {
  const note = (action: string, row: Row) => {
    if (row.UpdateExpression === 'SET dataKey = :new') return;
    const kinds = used.get(action) ?? new Set();
    kinds.add((row.Key ?? row.Item)?.['pk']?.S?.[0] ?? 'any');
    used.set(action, kinds);
  };
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        const { RequestItems, TransactItems, ...row } = args.input as Input;
        const transaction = TransactItems?.flatMap((item) => Object.entries(item)) ?? [];
        for (const [name, each] of transaction)
          note(name === 'ConditionCheck' ? 'ConditionCheckItem' : `${name}Item`, each);
        for (const asked of Object.values(RequestItems ?? {})) {
          if (Array.isArray(asked))
            for (const { PutRequest, DeleteRequest } of asked)
              note('BatchWriteItem', PutRequest ?? DeleteRequest ?? {});
          else for (const Key of asked.Keys ?? []) note('BatchGetItem', { Key });
        }
        if (!RequestItems && !TransactItems) note(commandName.replace(/Command$/, ''), row);
        return next(args);
      },
    { step: 'initialize' },
  );
}
