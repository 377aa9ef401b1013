import { join } from 'node:path';
import { describeKeyService } from './key-service.conformance';
import type { KeyStore } from '../src/store/key-store';
import { embeddedStore, temporaryDirectory } from './stores';

describe('key service on the embedded store and a local master key', () => {
  const directory = temporaryDirectory();
  afterAll(directory.remove);
  // LMDB may be opened twice in one process: the other sees what is committed.
  let store: KeyStore | undefined;
  const open = () => (store ??= embeddedStore(join(directory.path, 'keys')));
  afterAll(() => store?.close());
  const place = () => ({ environment: { DATA_DIR: directory.path }, store: open });
  // Its own block: what it has started ends before what that stands on.
  describe('answers', () => describeKeyService(place, 1));
});
