import { describeKeyService } from './key-service.conformance';
import { embeddedPlace, temporaryDirectory } from './stores';

describe('key service on the embedded store and a local master key', () => {
  const directory = temporaryDirectory();
  const place = embeddedPlace(directory.path);
  afterAll(async () => {
    await place.store().close();
    directory.remove();
  });

  // Its own block: what it has started ends before what that stands on.
  describe('answers', () => describeKeyService(() => place, 1));
});
