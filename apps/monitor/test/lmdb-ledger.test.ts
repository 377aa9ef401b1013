import { open } from 'lmdb';
import { temporaryDirectory } from '@latchkey/testing';
import { LmdbLedgerStore } from '../src/ledger/lmdb-ledger-store';
import { LmdbKeptRecords } from '../src/store/lmdb-kept-store';
import { describeKeptRecords } from './kept-records.conformance';
import { describeLedgerStore } from './ledger-store.conformance';

describeLedgerStore('ledger on LMDB', async () => {
  const path = temporaryDirectory();
  const records = () => open({ path, maxDbs: 8 }).openDB({ name: 'records' });
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
  const root = open({ path: temporaryDirectory(), maxDbs: 8 });
  return (name) => new LmdbKeptRecords(root, name);
});
