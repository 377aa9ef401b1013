import { temporaryDirectory } from '@latchkey/testing';
import { tamperWithEmbedded } from './row-tamperer';
import { embeddedPlace } from './stores';
import { describeTampering } from './tampering.conformance';

describe('tampering with the embedded store', () => {
  const directory = temporaryDirectory();
  const place = embeddedPlace(directory);
  const tamperer = tamperWithEmbedded(place.keys);
  afterAll(async () => {
    await tamperer.close();
    await place.store().close();
  });

  describe('is noticed', () =>
    describeTampering(
      () => place,
      () => tamperer,
    ));
});
