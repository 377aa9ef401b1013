import { join } from 'node:path';
import { tamperWithEmbedded, type RowTamperer } from './row-tamperer';
import { embeddedStore, temporaryDirectory } from './stores';
import { describeTampering } from './tampering.conformance';

describe('tampering with the embedded store', () => {
  const directory = temporaryDirectory();
  const keys = join(directory.path, 'keys');
  let tamperer: RowTamperer | undefined;
  afterAll(async () => {
    await tamperer?.close();
    directory.remove();
  });

  const place = () => ({ environment: { DATA_DIR: directory.path }, store: () => embeddedStore(keys) });
  describe('is noticed', () => describeTampering(place, () => (tamperer ??= tamperWithEmbedded(keys))));
});
