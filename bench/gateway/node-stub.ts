import { createServer, type AddressInfo } from 'node:net';
import { ANSWER_BYTES, jsonOf, type Peer } from './peer.js';

/** A version in this process for machines without nginx: answers after each whole request, whatever it says. */
export async function startNodeStub(): Promise<Peer> {
  const body = jsonOf(ANSWER_BYTES);
  const answer = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
  const server = createServer((socket) => {
    let text = '';
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      for (;;) {
        const head = text.indexOf('\r\n\r\n');
        if (head < 0) return;
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, head))?.[1] ?? 0);
        if (text.length < head + 4 + length) return;
        text = text.slice(head + 4 + length);
        socket.write(answer);
      }
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    name: 'stub',
    path: '/',
    port: (server.address() as AddressInfo).port,
    pids: [],
    close: () => new Promise((done) => void server.close(() => done())),
  };
}
