import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { MemoryHub } from '@latchkey/bus';
import { createLogger, type ServiceContext } from '@latchkey/runtime';
import { temporaryDirectory } from '@latchkey/testing';
import { startSignalingPlayready } from '../src/index';

const directory = temporaryDirectory();
const tenantsFile = join(directory, 'tenants.yaml');

it('warns of tenants whose licences come from the public test server', async () => {
  const tenants = [{ id: 'tests', signaling: { playready: { testServer: true } } }, { id: 'studio' }];
  writeFileSync(tenantsFile, JSON.stringify({ tenants }));
  const lines: string[] = [];
  const sink = new Writable({ write: (line: Buffer, _, done) => (lines.push(line.toString()), done()) });
  const context = { ...serviceContext(), logger: createLogger('signaling-playready', {}, sink) };
  const connection = new MemoryHub().connect(context);
  const service = await startSignalingPlayready(context, connection);
  await service.close();
  await connection.close();
  const warnings = lines.map((line) => JSON.parse(line)).filter(({ level }) => level === 40);
  expect(warnings).toEqual([expect.objectContaining({ tenant: 'tests', msg: expect.stringContaining('test server') })]);
});

function serviceContext(): Omit<ServiceContext, 'logger'> {
  return { name: 'signaling-playready', instance: 'test', environment: { TENANTS_FILE: tenantsFile } } as Omit<
    ServiceContext,
    'logger'
  >;
}
