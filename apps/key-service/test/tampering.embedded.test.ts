import { tamperWithEmbedded } from './row-tamperer';
import { embeddedPlace, temporaryDirectory } from './stores';
import { describeTampering } from './tampering.conformance';

describe('tampering with the embedded store', () => {
  const directory = temporaryDirectory();
  const place = embeddedPlace(directory.path);
  const tamperer = tamperWithEmbedded(place.keys);
  afterAll(async () => {
    await tamperer.close();
    await place.store().close();
    directory.remove();
  });

  describe('is noticed', () =>
    describeTampering(
      () => place,
      () => tamperer,
    ));
});
