import { isIP } from 'node:net';
import type { BlockList } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../config/config.js';
import type { Config } from '../config/config.js';
import { SluiceError } from '../kernel/errors.js';
import { blockList, classOf, contains } from './addresses.js';

const SETTING = 'SLUICE_UPSTREAM_ALLOW';

/** A URL as it was given, and where. */
interface UrlField {
  readonly field: string;
  readonly given: string;
}

/** A host that upstreams may have: a name, an address, or every name below a suffix. */
interface HostRule {
  readonly host: string;
  readonly isSuffix: boolean;
  /** Null: any port. */
  readonly port: number | null;
}

/**
 * Says which upstreams may be called: none, unless an operator listed it. Names are checked when a version is
 * registered, addresses at every connect, because a name may resolve to anything by then.
 */
@Injectable()
export class UpstreamGuard {
  readonly #hosts: readonly HostRule[];
  readonly #blocks: BlockList;
  readonly #hasBlocks: boolean;
  readonly #allowLoopback: boolean;

  constructor(@Inject(CONFIG) config: Pick<Config, 'upstreamAllow' | 'allowLoopback'>) {
    const entries = config.upstreamAllow
      .map((entry) => entry.trim())
      .filter((entry) => entry !== '');
    const blocks = entries.filter((entry) => entry.includes('/'));
    this.#hosts = entries.filter((entry) => !entry.includes('/')).map(hostRule);
    this.#blocks = blocksOf(blocks);
    this.#hasBlocks = blocks.length > 0;
    this.#allowLoopback = config.allowLoopback;
  }

  /**
   * The URL in the form that is stored (no slash at the end); throws `invalid_input` for one that is not allowed.
   *
   * @param field of the request that it was given in
   */
  checkUrl(given: string, field = 'url'): string {
    const url = parse(given, field);
    const host = hostOf(url);
    const port = portOf(url);
    if (!this.#mayBe(host, port)) throw refused({ field, given }, host);
    return url.origin + url.pathname.replace(/\/+$/, '');
  }

  /**
   * Whether an address that a URL's host resolved to may be dialled. Names listed by an operator may lie in
   * private networks, but never on link-local, metadata, multicast or translation addresses.
   */
  isAllowedAddress(ip: string, host: string, port: number): boolean {
    const name = bare(host);
    switch (classOf(ip)) {
      case 'forbidden':
        return false;
      case 'loopback':
        if (!this.#allowLoopback) return false;
        // a listed or local name; a stranger's name that suddenly resolves to this machine is an attack
        return isIP(name) !== 0 || isLocalName(name) || this.#isListed(name, port);
      case 'shared':
        return contains(this.#blocks, ip) || (isIP(name) !== 0 && this.#isListed(name, port));
      case 'ordinary':
        return contains(this.#blocks, ip) || this.#isListed(name, port);
    }
  }

  #mayBe(host: string, port: number): boolean {
    if (isIP(host) !== 0) return this.isAllowedAddress(host, host, port);
    if (isLocalName(host)) return this.#allowLoopback;
    // with CIDR blocks any name may turn out to lie in one; its addresses decide at the connect
    return this.#hasBlocks || this.#isListed(host, port);
  }

  #isListed(host: string, port: number): boolean {
    return this.#hosts.some(
      (rule) =>
        (rule.port === null || rule.port === port) &&
        (rule.isSuffix ? host.endsWith(rule.host) && host !== rule.host : host === rule.host),
    );
  }
}

function parse(given: string, field: string): URL {
  const url = URL.parse(given);
  const expected = 'http(s)://host[:port][/path] without credentials, query and fragment';
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw badUrl({ field, given }, expected, 'only HTTP upstreams can be called');
  }
  if (url.username !== '' || url.password !== '') {
    throw badUrl(
      { field, given: '(hidden)' },
      expected,
      'put credentials into headers: they are sealed',
    );
  }
  // URL drops an empty query or fragment ("?"), which is as harmless as it looks
  if (url.search !== '' || url.hash !== '') {
    throw badUrl({ field, given }, expected, "the caller's path and query are appended to the URL");
  }
  return url;
}

/** What WHATWG parsing made of the host: `2130706433`, `0x7f.1` and `127.1` are all 127.0.0.1 here. */
function hostOf(url: URL): string {
  return bare(url.hostname);
}

function bare(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.$/, '');
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}

function isLocalName(host: string): boolean {
  return host === 'localhost' || host.endsWith('.localhost');
}

function hostRule(entry: string): HostRule {
  const match =
    /^(?<suffix>\*(?=\.))?(?<host>\[[0-9a-f:.]+\]|[^:*[\]]+)(?::(?<port>\d{1,5}))?$/i.exec(
      isIP(entry) === 6 ? `[${entry}]` : entry,
    );
  const isSuffix = match?.groups?.['suffix'] !== undefined;
  // the x makes a whole name of a suffix, so that it is read like every other host
  const url = URL.parse(`http://${isSuffix ? 'x' : ''}${match?.groups?.['host'] ?? ''}`);
  const host = bare(url?.hostname ?? '').slice(isSuffix ? 1 : 0);
  const port = match?.groups?.['port'] === undefined ? null : Number(match.groups['port']);
  // an empty suffix would let every host pass
  if (host === '' || url?.pathname !== '/' || (port ?? 1) > 65_535) throw badEntry(entry);
  return { host, isSuffix, port };
}

function blocksOf(blocks: readonly string[]): BlockList {
  for (const block of blocks) {
    try {
      blockList([block]);
    } catch {
      throw badEntry(block);
    }
  }
  return blockList(blocks);
}

function badEntry(entry: string): SluiceError {
  return new SluiceError('invalid_input', `${SETTING} has an entry that cannot be read: ${entry}`, [
    {
      field: SETTING,
      given: entry,
      expected: 'host, host:port, *.suffix or a CIDR block, separated by commas',
      advice: 'example: models.internal,*.svc.cluster.local,10.20.0.0/16',
    },
  ]);
}

function badUrl(at: UrlField, expected: string, advice: string): SluiceError {
  return new SluiceError('invalid_input', 'this is no URL of an upstream', [
    { ...at, expected, advice },
  ]);
}

function refused(at: UrlField, host: string): SluiceError {
  return new SluiceError('invalid_input', `the upstream ${host} is not allowed`, [
    { ...at, expected: `a host that ${SETTING} lists`, advice: adviceFor(host) },
  ]);
}

function adviceFor(host: string): string {
  const place = isLocalName(host) ? 'loopback' : isIP(host) === 0 ? 'ordinary' : classOf(host);
  switch (place) {
    case 'forbidden':
      return `this address is never an upstream, whatever ${SETTING} lists`;
    case 'loopback':
      return `${SETTING} cannot open this machine; in development SLUICE_ALLOW_LOOPBACK=1 does`;
    case 'shared':
      return `add the address or its CIDR block to ${SETTING} and start again`;
    case 'ordinary':
      return `add ${host} to ${SETTING} and start again`;
  }
}
