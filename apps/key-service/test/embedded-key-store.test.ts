import { describeKeyStore } from './key-store.conformance';
import { embeddedStore, temporaryDirectory } from './stores';

describe('embedded key store', () => {
  const directory = temporaryDirectory();
  afterAll(directory.remove);
  describeKeyStore(() => ({ open: async () => embeddedStore(directory.path) }));
});
