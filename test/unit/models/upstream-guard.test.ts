import { describe, expect, it } from 'vitest';
import { classOf } from '../../../src/models/addresses.js';
import { UpstreamGuard } from '../../../src/models/upstream-guard.js';

const guard = (upstreamAllow: string[] = [], allowLoopback = false): UpstreamGuard =>
  new UpstreamGuard({ upstreamAllow, allowLoopback });

describe('the upstream guard', () => {
  it('refuses every upstream while nothing is listed', () => {
    for (const url of ['http://models.internal', 'https://example.com/v1', 'http://10.0.0.7:80']) {
      expect(() => guard().checkUrl(url)).toThrow(/is not allowed/);
    }
  });

  it('names the setting, the host and what to do in its refusal', () => {
    try {
      guard().checkUrl('http://models.internal:9000/v1');
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: 'invalid_input',
        defects: [
          {
            field: 'url',
            given: 'http://models.internal:9000/v1',
            expected: 'a host that SLUICE_UPSTREAM_ALLOW lists',
            advice: 'add models.internal to SLUICE_UPSTREAM_ALLOW and start again',
          },
        ],
      });
    }
  });

  it.each([
    // loopback in every spelling that URL parsing makes an address of
    'http://127.0.0.1',
    'http://127.1',
    'http://2130706433',
    'http://0x7f.1',
    'http://0x7f000001',
    'http://017700000001',
    'http://0177.0.0.1',
    'http://127.0.0.1.',
    'http://①②⑦.⓪.⓪.①',
    'http://[::1]',
    'http://[0:0:0:0:0:0:0:1]',
    'http://[::ffff:127.0.0.1]',
    'http://[::ffff:7f00:1]',
    'http://localhost',
    'http://LOCALHOST:80',
    'http://localhost.',
    'http://anything.localhost',
    // this network and unspecified
    'http://0',
    'http://0.0.0.0',
    'http://0.1.2.3',
    'http://[::]',
    'http://[::127.0.0.1]',
    // metadata and link-local
    'http://169.254.169.254/latest/meta-data',
    'http://2852039166',
    'http://0xa9fea9fe',
    'http://[::ffff:169.254.169.254]',
    'http://[fe80::1]',
    'http://[fd00:ec2::254]',
    'http://168.63.129.16',
    'http://100.100.100.200',
    'http://192.0.0.192',
    // IPv4 in disguise
    'http://[64:ff9b::a9fe:a9fe]',
    'http://[64:ff9b:1::7f00:1]',
    'http://[2002:7f00:1::]',
    'http://[2001:0:53aa:64c:0:0:80ff:fffe]',
    // groups and reserved space
    'http://224.0.0.1',
    'http://255.255.255.255',
    'http://240.0.0.1',
    'http://[ff02::1]',
    'http://198.18.0.1',
  ])('refuses %s even if everything is listed', (url) => {
    const everything = guard(['0.0.0.0/0', '::/0', '*.localhost', 'localhost', '127.0.0.1']);
    expect(() => everything.checkUrl(url)).toThrow(/is not allowed/);
  });

  it.each([
    ['http://models.internal', ['models.internal']],
    ['http://MODELS.internal.:8080/v1/', ['models.internal']],
    ['http://models.internal:8080', ['models.internal:8080']],
    ['https://models.internal', ['models.internal:443']],
    ['http://a.b.svc.local', ['*.svc.local']],
    ['http://10.20.30.40:5000', ['10.20.0.0/16']],
    ['http://10.20.30.40:5000', ['10.20.30.40:5000']],
    ['http://[fd12:3456::7]', ['fd12:3456::/32']],
    ['http://100.64.3.3', ['100.64.0.0/10']],
    ['http://[2606:4700::1]:81', ['[2606:4700::1]:81']],
    ['http://[2606:4700::1]', ['2606:4700::1']],
    ['http://xn--mnchen-3ya.example', ['münchen.example']],
  ])('allows %s when %j is listed', (url, list) => {
    expect(() => guard(list).checkUrl(url)).not.toThrow();
  });

  it.each([
    ['http://models.internal:81', ['models.internal:80']],
    ['http://svc.local', ['*.svc.local']],
    ['http://evilsvc.local', ['*.svc.local']],
    ['http://models.internal.evil.com', ['models.internal']],
    ['http://10.21.0.1', ['10.20.0.0/16']],
    ['http://xmodels.internal', ['models.internal']],
  ])('refuses %s when only %j is listed', (url, list) => {
    expect(() => guard(list).checkUrl(url)).toThrow(/is not allowed/);
  });

  it.each([
    'ftp://models.internal',
    'file:///etc/passwd',
    'models.internal',
    'http://',
    'http://user:secret@models.internal',
    'http://models.internal/?key=secret',
    'http://models.internal/#x',
    'unix:/tmp/socket',
    'http://models internal',
  ])('refuses %s as no URL of an upstream', (url) => {
    expect(() => guard(['models.internal']).checkUrl(url)).toThrow(/no URL of an upstream/);
  });

  it('does not repeat credentials that stand in a URL', () => {
    try {
      guard(['models.internal']).checkUrl('http://user:hunter2@models.internal');
      expect.unreachable();
    } catch (error) {
      expect(JSON.stringify(error)).not.toContain('hunter2');
    }
  });

  it('returns the URL without a slash at the end', () => {
    expect(guard(['a.b']).checkUrl('HTTP://A.b:80/v1//')).toBe('http://a.b/v1');
    expect(guard(['a.b']).checkUrl('http://a.b/')).toBe('http://a.b');
  });

  describe('at the connect', () => {
    it('lets a listed name resolve into a private network', () => {
      expect(guard(['models.internal']).isAllowedAddress('10.1.2.3', 'models.internal', 80)).toBe(
        true,
      );
    });

    it.each([
      '169.254.169.254',
      '127.0.0.1',
      '::1',
      '::ffff:127.0.0.1',
      '0.0.0.0',
      'fe80::1',
      'ff02::1',
      '64:ff9b::1',
      '100.100.100.200',
    ])('refuses a listed name that resolves to %s', (ip) => {
      expect(guard(['models.internal']).isAllowedAddress(ip, 'models.internal', 80)).toBe(false);
    });

    it('refuses a name that nobody listed although blocks are, unless its address lies in one', () => {
      const blocks = guard(['10.20.0.0/16']);
      expect(blocks.checkUrl('http://models.internal')).toBe('http://models.internal');
      expect(blocks.isAllowedAddress('10.20.0.9', 'models.internal', 80)).toBe(true);
      expect(blocks.isAllowedAddress('10.21.0.9', 'models.internal', 80)).toBe(false);
      expect(blocks.isAllowedAddress('::ffff:10.20.0.9', 'models.internal', 80)).toBe(true);
    });

    it('wants a block for shared and unique-local space, where clouds keep services of their own', () => {
      expect(guard(['a.b']).isAllowedAddress('100.64.1.1', 'a.b', 80)).toBe(false);
      expect(guard(['a.b', '100.64.0.0/16']).isAllowedAddress('100.64.1.1', 'a.b', 80)).toBe(true);
      expect(guard(['a.b']).isAllowedAddress('fd12::1', 'a.b', 80)).toBe(false);
    });

    it('refuses what is no address', () => {
      expect(guard(['a.b']).isAllowedAddress('a.b', 'a.b', 80)).toBe(false);
      expect(guard(['a.b']).isAllowedAddress('', 'a.b', 80)).toBe(false);
      expect(guard(['a.b']).isAllowedAddress('fe80::1%eth0', 'a.b', 80)).toBe(false);
    });
  });

  describe('with the development flag', () => {
    const dev = guard([], true);

    it.each([
      'http://127.0.0.1:9001',
      'http://[::1]:9001',
      'http://localhost:9001',
      'http://0x7f.1',
    ])('allows %s without a list', (url) => {
      expect(() => dev.checkUrl(url)).not.toThrow();
    });

    it('dials loopback for local names and literals only', () => {
      expect(dev.isAllowedAddress('127.0.0.1', 'localhost', 9001)).toBe(true);
      expect(dev.isAllowedAddress('127.0.0.1', '127.0.0.1', 9001)).toBe(true);
      expect(dev.isAllowedAddress('::1', '[::1]', 9001)).toBe(true);
      expect(dev.isAllowedAddress('127.0.0.1', 'rebound.example', 9001)).toBe(false);
    });

    it('still refuses metadata and everything else that is not listed', () => {
      expect(() => dev.checkUrl('http://169.254.169.254')).toThrow(/not allowed/);
      expect(() => dev.checkUrl('http://models.internal')).toThrow(/not allowed/);
    });
  });

  it.each([
    '10.0.0.0/33',
    '10.0.0/8',
    '/8',
    'a.b:99999',
    '*',
    '*.*',
    'a b',
    'http://a.b',
    'a.b/c',
    '[::1',
    '*.',
  ])('stops the start at the unreadable entry %s', (entry) => {
    expect(() => guard([entry])).toThrow(/SLUICE_UPSTREAM_ALLOW/);
  });
});

describe('classes of addresses', () => {
  it.each([
    ['8.8.8.8', 'ordinary'],
    ['10.0.0.1', 'ordinary'],
    ['172.16.0.1', 'ordinary'],
    ['192.168.0.1', 'ordinary'],
    ['2606:4700::1', 'ordinary'],
    ['100.63.255.255', 'ordinary'],
    ['100.64.0.0', 'shared'],
    ['100.127.255.255', 'shared'],
    ['100.128.0.0', 'ordinary'],
    ['fc00::1', 'shared'],
    ['127.255.255.254', 'loopback'],
    ['::ffff:127.9.9.9', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:8.8.8.8', 'ordinary'],
    ['::ffff:0808:0808', 'ordinary'],
    ['::2', 'forbidden'],
    ['223.255.255.255', 'ordinary'],
    ['224.0.0.0', 'forbidden'],
    ['metadata.google.internal', 'forbidden'],
  ])('%s is %s', (address, expected) => {
    expect(classOf(address)).toBe(expected);
  });
});
