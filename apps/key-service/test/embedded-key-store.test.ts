import { describeKeyStore } from './key-store.conformance';
import { embeddedStore, temporaryDirectory } from './stores';

describe('embedded key store', () => {
  const directory = temporaryDirectory();
  afterAll(directory.remove);
  describe('as every store', () => describeKeyStore(() => ({ open: async () => embeddedStore(directory.path) })));
});
