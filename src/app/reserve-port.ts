import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';

/**
 * Where several processes can listen together: the given port, or a free one for 0. Held alone for a moment, because
 * processes that share a port do not notice that strangers share it too.
 *
 * @throws the error of listen(2), for example EADDRINUSE
 */
export function reservePort(port: number, host: string): Promise<AddressInfo> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      const address = server.address() as AddressInfo;
      server.close(() => resolve(address));
    });
  });
}
