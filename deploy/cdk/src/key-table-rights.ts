/**
 * What key-service does to its table: by DynamoDB's action, the kinds of rows, which are what partition keys begin with
 * (apps/key-service/src/store/dynamodb-rows.ts): `K` keys, `P` permits, `R` revocations, `D` documents, `S` secrets, `A` audit records, `W`
 * their writers. Where no kinds are named, it is all of them. A test of the store holds that it needs these and no others.
 */
export const KEY_TABLE_RIGHTS: Readonly<Record<string, readonly string[] | 'all'>> = {
  BatchGetItem: 'all',
  GetItem: 'all',
  Query: 'all',
  // It makes rows of every kind. That it does so only where there is none IAM cannot ask; the rows' own authentication can.
  PutItem: 'all',
  // Audit records together, and the remains of shredded keys.
  BatchWriteItem: ['A', 'K'],
  UpdateItem: ['W'],
  DeleteItem: ['D', 'W'],
};
