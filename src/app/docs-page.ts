import type { ApiDocument, JsonSchema, Operation } from './openapi.js';

/** The page is one document: it loads nothing and runs nothing. */
export const DOCS_CSP =
  "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

const STYLE = `
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 18%, transparent); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin: 2.5rem 0 .5rem; border-bottom: 1px solid var(--line); text-transform: capitalize; }
details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: .5rem .75rem; }
summary { cursor: pointer; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { overflow-x: auto; padding: .75rem; background: color-mix(in srgb, currentColor 6%, transparent); border-radius: 6px; }
.method { display: inline-block; min-width: 4.2rem; font-weight: 600; }
.what { opacity: .75; }
table { border-collapse: collapse; } td, th { text-align: left; padding: .15rem 1rem .15rem 0; vertical-align: top; }
nav a { margin-right: 1rem; }
`;

/** The API document as a page for people. */
export function docsPage(document: ApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const byTag = Map.groupBy(operations, ({ operation }) => operation.tags[0] ?? '');
  const sections = [...byTag].map(
    ([tag, routes]) =>
      `<h2 id="${escape(tag)}">${escape(tag)}</h2>` +
      routes.map((route) => section(route, document.components.schemas)).join(''),
  );
  const links = [...byTag.keys()].map((tag) => `<a href="#${escape(tag)}">${escape(tag)}</a>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escape(document.info.title)} API</title><style>${STYLE}</style></head>
<body><h1>${escape(document.info.title)} API ${escape(document.info.version)}</h1>
<p>${escape(document.info.description)}</p>
<p>Send <code>authorization: Bearer &lt;key&gt;</code>. Errors are <code>application/problem+json</code> with a
stable <code>code</code> and one entry in <code>defects</code> per field. The same as
<a href="/api/openapi.json">OpenAPI 3.1</a>.</p>
<nav>${links.join('')}</nav>${sections.join('')}</body></html>
`;
}

function section(
  route: { readonly path: string; readonly method: string; readonly operation: Operation },
  schemas: ApiDocument['components']['schemas'],
): string {
  const { path, method, operation } = route;
  const body = schemas[`${operation.operationId}Request`];
  const statuses = Object.entries(operation.responses).map(
    ([status, response]) =>
      `<tr><td>${escape(status)}</td><td>${text(response['description'])}</td></tr>`,
  );
  return `<details id="${escape(operation.operationId)}"><summary><span class="method">${escape(method.toUpperCase())}</span>
<code>${escape(path)}</code> <span class="what">${escape(operation.summary)}</span></summary>
<p>${escape(operation.description).replaceAll(/`([^`]+)`/g, '<code>$1</code>')}</p>
${parameterTable(operation.parameters)}${body === undefined ? '' : `<h4>Body</h4><pre>${escape(JSON.stringify(body, null, 2))}</pre>`}
<h4>Answers</h4><table>${statuses.join('')}</table></details>`;
}

function parameterTable(parameters: readonly JsonSchema[]): string {
  if (parameters.length === 0) return '';
  const rows = parameters.map(
    (parameter) =>
      `<tr><td><code>${text(parameter['name'])}</code></td><td>${text(parameter['in'])}</td><td><code>${escape(JSON.stringify(parameter['schema']))}</code></td></tr>`,
  );
  return `<h4>Parameters</h4><table>${rows.join('')}</table>`;
}

function text(value: unknown): string {
  return escape(typeof value === 'string' ? value : '');
}

function escape(raw: string): string {
  return raw
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
