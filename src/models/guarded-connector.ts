import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';

/** Time to open a connection, TLS included; a version's own deadline usually ends the wait earlier. */
const CONNECT_TIMEOUT_MS = 5_000;

/** Says whether an address that a host resolved to may be dialled (upstream-guard.ts). */
export interface AddressGuard {
  isAllowedAddress(ip: string, host: string, port: number): boolean;
}

/**
 * A connector that asks the guard at every connect, about every address that the name resolves to at that moment,
 * and dials exactly those: a name that was harmless when it was registered may resolve to anything later.
 * undici never calls `lookup` for literal addresses, so these are checked before.
 */
export function guardedConnector(
  guard: AddressGuard,
  resolve: LookupFunction = lookup,
): buildConnector.connector {
  // undici's lookup does not learn the port, so each port has a connector of its own.
  const connectors = new Map<number, buildConnector.connector>();
  const connectorFor = (port: number): buildConnector.connector => {
    const known = connectors.get(port);
    if (known !== undefined) return known;
    const made = buildConnector({
      allowH2: false,
      timeout: CONNECT_TIMEOUT_MS,
      lookup: guardedLookup(guard, port, resolve),
    });
    connectors.set(port, made);
    return made;
  };
  return (options, callback) => {
    const { hostname, protocol } = options;
    const port = Number(options.port) || (protocol === 'https:' ? 443 : 80);
    if (isIP(hostname) !== 0 && !guard.isAllowedAddress(hostname, hostname, port)) {
      process.nextTick(callback, refusal(hostname, hostname), null);
      return;
    }
    connectorFor(port)(options, callback);
  };
}

function guardedLookup(guard: AddressGuard, port: number, resolve: LookupFunction): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, found) => {
      const addresses = typeof found === 'string' ? [] : found;
      if (error !== null) {
        callback(error, []);
        return;
      }
      const denied = addresses.find(
        ({ address }) => !guard.isAllowedAddress(address, hostname, port),
      );
      const [first] = addresses;
      if (denied !== undefined) callback(refusal(hostname, denied.address), []);
      else if (first === undefined) callback(refusal(hostname, 'no address'), []);
      else if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}

function refusal(host: string, address: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(
    `the upstream ${host} (${address}) is not an address that may be called`,
  );
  error.code = 'SLUICE_ADDRESS_REFUSED';
  return error;
}
