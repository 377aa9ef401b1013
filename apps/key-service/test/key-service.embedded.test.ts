import { temporaryDirectory } from '@latchkey/testing';
import { describeKeyService } from './key-service.conformance';
import { embeddedPlace } from './stores';

describe('key service on the embedded store and a local master key', () => {
  const directory = temporaryDirectory();
  const place = embeddedPlace(directory);
  afterAll(async () => {
    await place.store().close();
  });

  // Its own block: what it has started ends before what that stands on.
  describe('answers', () => describeKeyService(() => place, 1));
});
