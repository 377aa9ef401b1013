import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from 'lmdb';
import { LmdbLedgerStore } from '../src/ledger/lmdb-ledger-store';
import { LmdbKeptRecords } from '../src/store/lmdb-kept-store';
import { describeKeptRecords } from './kept-records.conformance';
import { describeLedgerStore } from './ledger-store.conformance';

describeLedgerStore('ledger on LMDB', async () => {
  const path = mkdtempSync(join(tmpdir(), 'ledger-'));
  const records = () => open({ path, maxDbs: 8, encoding: 'json' }).openDB({ name: 'records' });
  return {
    open: async () => new LmdbLedgerStore(path),
    edit: async (chain, index, body) => {
      const key = [chain, index];
      await records().put(key, { ...records().get(key), body });
    },
    remove: async (chain, index) => {
      await records().remove([chain, index]);
    },
  };
});

describeKeptRecords('kept records on LMDB', async () => {
  const root = open({ path: mkdtempSync(join(tmpdir(), 'kept-')), maxDbs: 8 });
  return (name) => new LmdbKeptRecords(root, name);
});
