import { natsServerPresent, startNatsServer, type NatsServer } from '@latchkey/testing';
import { natsBus } from './bus-under-test';
import { itIsABus } from './bus.conformance';

const describeNats = natsServerPresent() ? describe : describe.skip;

describeNats('the bus over NATS', () => {
  let server: NatsServer;
  const bus = natsBus(() => server);
  beforeAll(async () => {
    server = await startNatsServer();
  });
  afterAll(() => server.stop());

  itIsABus(() => bus);
});
