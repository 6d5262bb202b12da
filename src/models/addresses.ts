import { BlockList, isIPv4, isIPv6 } from 'node:net';

/** Which part of the address space an address lies in, as far as dialling it is concerned. */
export type AddressClass =
  /** Never an upstream: this host's networks, metadata services, translation and group addresses. */
  | 'forbidden'
  /** This machine; only the development flag opens it. */
  | 'loopback'
  /** Shared or site-local space (CGNAT, ULA) that cloud providers put their own services into: needs a CIDR entry. */
  | 'shared'
  | 'ordinary';

// IANA special-purpose registries (RFC 6890 and its updates) and the metadata services of the large clouds.
const FORBIDDEN = [
  '0.0.0.0/8', // this network
  '169.254.0.0/16', // link-local; AWS, Azure, GCP, Oracle metadata
  '168.63.129.16/32', // Azure platform services
  '100.100.100.200/32', // Alibaba metadata
  '192.0.0.0/24', // IETF protocols; 192.0.0.192 is Oracle's metadata
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
  '::/96', // unspecified and IPv4-compatible (deprecated)
  '64:ff9b::/96', // NAT64: any IPv4 address in disguise
  '64:ff9b:1::/48', // local NAT64
  '100::/64', // discard
  '2001::/23', // IETF protocols, Teredo
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4: any IPv4 address in disguise
  '3fff::/20', // documentation
  'fd00:ec2::/32', // AWS metadata
  'fd20:ce::/32', // Google metadata
  'fe80::/10', // link-local
  'fec0::/10', // site-local (deprecated)
  'ff00::/8', // multicast
];
const LOOPBACK = ['127.0.0.0/8', '::1/128'];
const SHARED = ['100.64.0.0/10', 'fc00::/7'];

/** A set of CIDR blocks; IPv6 spellings of IPv4 addresses count as the IPv4 address. Throws RangeError on a bad block. */
export function blockList(blocks: readonly string[]): BlockList {
  const list = new BlockList();
  for (const block of blocks) {
    const [address = '', prefix = ''] = block.split('/');
    if (!/^\d{1,3}$/.test(prefix)) throw new RangeError(`${block} is no CIDR block`);
    if (!isIPv4(address) && !isIPv6(address)) throw new RangeError(`${block} is no CIDR block`);
    list.addSubnet(address, Number(prefix), isIPv4(address) ? 'ipv4' : 'ipv6');
  }
  return list;
}

const forbidden = blockList(FORBIDDEN);
const loopback = blockList(LOOPBACK);
const shared = blockList(SHARED);

/** True when an address (text of `node:net.isIP` kind) lies in a list. */
export function contains(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? 'ipv4' : 'ipv6');
}

/** The class of an IP address; anything that is none (names, zone ids) is forbidden. */
export function classOf(address: string): AddressClass {
  if (!isIPv4(address) && !isIPv6(address)) return 'forbidden';
  if (address.includes('%')) return 'forbidden';
  if (contains(loopback, address)) return 'loopback';
  if (contains(forbidden, address)) return 'forbidden';
  return contains(shared, address) ? 'shared' : 'ordinary';
}
