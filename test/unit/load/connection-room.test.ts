import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { openFilesLimit } from '../../../src/kernel/open-files.js';
import { connectionRoom, limitConnections } from '../../../src/load/connection-room.js';

describe('the room for connections', () => {
  it.each([
    [160, 28, 8],
    [1_024, 417, 92],
    [100_000, 44_956, 9_990],
  ])(
    'with %d descriptors leaves as many to versions as callers may take',
    (limit, callers, control) => {
      expect(connectionRoom(limit)).toEqual({ callers, control });
      expect(limit - 96 - callers - control).toBeGreaterThanOrEqual(callers);
    },
  );

  it('lets somebody in when there are hardly any descriptors', () => {
    expect(connectionRoom(64)).toEqual({ callers: 8, control: 8 });
  });

  it('has no bound where the system sets none', () => {
    expect(connectionRoom(null)).toEqual({ callers: Infinity, control: Infinity });
  });

  it('closes the connections beyond it at once, and only those', async () => {
    const server = createServer((socket) => socket.write('welcome'));
    limitConnections(server, 'callers', 64);
    let dropped = 0;
    server.on('drop', () => (dropped += 1));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as AddressInfo;
    const sockets = Array.from({ length: 12 }, () => connect(port, '127.0.0.1'));
    const fates = await Promise.all(
      sockets.map(
        (socket) =>
          new Promise<string>((resolve) => {
            socket.once('data', () => {
              resolve('welcome');
            });
            for (const end of ['end', 'error']) {
              socket.once(end, () => {
                resolve('closed');
              });
            }
          }),
      ),
    );
    for (const socket of sockets) socket.destroy();
    server.close();
    expect(fates.filter((fate) => fate === 'welcome')).toHaveLength(8);
    expect(dropped).toBe(4);
  });
});

it('knows the limit of this process', () => {
  const limit = openFilesLimit();
  expect(limit === null || (Number.isInteger(limit) && limit >= 64)).toBe(true);
});
