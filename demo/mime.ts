/** What a spam filter may look at: everything else in a mail's header tells which mailbox it was collected from. */
export interface MailContent {
  readonly subject: string;
  /** Text parts, decoded; HTML stays markup, because markup is evidence. */
  readonly body: string;
}

interface Part {
  readonly headers: ReadonlyMap<string, string>;
  readonly content: string;
}

/** Mails nest parts in parts; deeper than this is junk or an attack. */
const MAX_DEPTH = 8;

/**
 * Parses a raw mail (RFC 5322 with MIME, RFC 2045-2047) as far as learning needs it: the subject and the
 * decoded text parts. Broken mails are normal in this corpus, so nothing here throws: what cannot be decoded stays as it is.
 *
 * @param raw the whole mail, headers first
 */
export function parseMail(raw: string): MailContent {
  const mail = splitPart(raw.replaceAll('\r\n', '\n'));
  return {
    subject: decodeWords(mail.headers.get('subject') ?? '').trim(),
    body: textOf(mail, 0).trim(),
  };
}

function splitPart(text: string): Part {
  const blank = text.startsWith('\n') ? 0 : text.indexOf('\n\n');
  if (blank === -1) return { headers: parseHeaders(text), content: '' };
  return {
    headers: parseHeaders(text.slice(0, blank)),
    content: text.slice(blank).replace(/^\n{1,2}/, ''),
  };
}

function parseHeaders(block: string): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const line of block.replace(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).trim().toLowerCase();
    if (!headers.has(name)) headers.set(name, line.slice(colon + 1).trim());
  }
  return headers;
}

function textOf(part: Part, depth: number): string {
  const type = (part.headers.get('content-type') ?? 'text/plain').toLowerCase();
  if (type.startsWith('multipart/') && depth < MAX_DEPTH) {
    const parts = partsOf(part);
    if (parts.length > 0) {
      const texts = parts.map((inner) => textOf(inner, depth + 1));
      return texts.filter((text) => text !== '').join('\n');
    }
  }
  if (type.startsWith('message/') && depth < MAX_DEPTH) {
    return textOf(splitPart(part.content), depth + 1);
  }
  if (depth > 0 && !type.startsWith('text/')) return '';
  return decodeContent(part);
}

function partsOf(part: Part): readonly Part[] {
  const type = part.headers.get('content-type') ?? '';
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^\s;]+))/i.exec(type);
  const mark = boundary?.[1] ?? boundary?.[2];
  if (mark === undefined) return [];
  const pieces = `\n${part.content}`.split(`\n--${mark}`);
  // the first piece is the preamble; a piece that starts with "--" is what follows the closing mark
  return pieces
    .slice(1)
    .filter((piece) => !piece.startsWith('--'))
    .map((piece) => splitPart(piece.replace(/^[ \t]*\n/, '')));
}

function decodeContent(part: Part): string {
  const encoding = (part.headers.get('content-transfer-encoding') ?? '').toLowerCase();
  if (encoding === 'quoted-printable') {
    return latin1(decodeQuotedPrintable(part.content.replace(/=[ \t]*\n/g, '')));
  }
  if (encoding === 'base64') return latin1(Buffer.from(part.content, 'base64'));
  return part.content;
}

/** RFC 2047 encoded words, as in `=?iso-8859-1?Q?Gr=FC=DFe?=`. */
function decodeWords(text: string): string {
  return text.replace(
    /=\?[^?\s]+\?([bq])\?([^?]*)\?=/gi,
    (_whole, encoding: string, word: string) =>
      encoding.toLowerCase() === 'b'
        ? latin1(Buffer.from(word, 'base64'))
        : latin1(decodeQuotedPrintable(word.replaceAll('_', ' '))),
  );
}

function decodeQuotedPrintable(text: string): Buffer {
  const unescaped = text.replace(/=([0-9a-f]{2})/gi, (_whole, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(unescaped, 'latin1');
}

/** The corpus is of 2002: single-byte charsets; which one does not matter for telling words apart. */
function latin1(bytes: Buffer): string {
  return bytes.toString('latin1');
}
