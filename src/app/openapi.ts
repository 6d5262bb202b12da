import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { CLASS_SERIALIZER_OPTIONS } from '@nestjs/common/serializer/class-serializer.constants.js';
import { z } from 'zod';
import { isDataScope } from '../auth/scope.js';
import type { Route } from '../auth/route-catalog.service.js';
import { outcomeBatchSchema } from '../events/outcome.contract.js';
import { sheddableRequest } from '../load/shed-order.js';
import { summaryOf } from './route-summaries.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  readonly parameters: readonly JsonSchema[];
  readonly requestBody?: JsonSchema;
  readonly responses: Readonly<Record<string, JsonSchema>>;
}

/** An OpenAPI 3.1 document, as far as we fill it in. */
export interface ApiDocument {
  readonly openapi: '3.1.1';
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>;
  };
}

/** What Nest's parameter decorators leave behind: `@Body({ schema })`, `@Param('x', …)`, `@Query(…)`. */
interface Argument {
  readonly data?: unknown;
  readonly schema?: unknown;
}

interface Arguments {
  readonly body: readonly Argument[];
  readonly query: readonly Argument[];
  readonly param: readonly Argument[];
}

const SCHEMA_REF = '#/components/schemas/';
const PROBLEM_REF = `${SCHEMA_REF}Problem`;

const PROBLEM_SCHEMA: JsonSchema = {
  type: 'object',
  description: 'RFC 9457 problem document',
  required: ['type', 'title', 'status', 'detail', 'code', 'defects'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What happened, in words' },
    code: { type: 'string', description: 'Stable; branch on this' },
    defects: {
      type: 'array',
      items: {
        type: 'object',
        properties: {
          field: { type: 'string', description: 'JSON pointer into the body, or a parameter' },
          given: {},
          expected: { type: 'string' },
          advice: { type: 'string' },
        },
      },
    },
    instance: { type: 'string' },
  },
};

/** The document of all routes; what it says of requests is the very schema that parses them. */
export function apiDocument(routes: readonly Route[], version: string): ApiDocument {
  const paths: Record<string, Record<string, Operation>> = {};
  const schemas: Record<string, JsonSchema> = { Problem: PROBLEM_SCHEMA };
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, '{$1}');
    (paths[path] ??= {})[route.method.toLowerCase()] = operationOf(route, schemas);
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sluice',
      version,
      description:
        'Control plane: models, metrics, experiments, rollouts, outcomes. Predictions go to the gateway: ANY /models/{model}/{path} on its own port.',
    },
    paths,
    components: {
      schemas,
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key with the scope of the route',
        },
      },
    },
  };
}

function operationOf(route: Route, schemas: Record<string, JsonSchema>): Operation {
  const operationId = operationIdOf(route);
  const given = argumentsOf(route);
  const body =
    given.body.find(({ schema }) => schema instanceof z.ZodType)?.schema ?? ownParsedBody(route);
  const plane = route.scope !== null && isDataScope(route.scope) ? 'data-plane' : 'control-plane';
  const needs = route.scope === null ? 'Public.' : `Needs the ${plane} scope \`${route.scope}\`.`;
  return {
    operationId,
    summary: summaryOf(route),
    description: needs,
    tags: [tagOf(route)],
    security: route.scope === null ? [] : [{ key: [route.scope] }],
    parameters: [...pathParameters(route, given), ...queryParameters(given)],
    ...(body instanceof z.ZodType
      ? { requestBody: bodyOf(`${operationId}Request`, body, schemas) }
      : {}),
    responses: responsesOf(route, given, answerOf(route, schemas)),
  };
}

/** Outcomes are parsed entry by entry where they are used, so that one bad entry does not cost the others. */
function ownParsedBody({ method, path }: Route): z.ZodType | null {
  return method === 'POST' && path === '/api/v1/outcomes' ? outcomeBatchSchema : null;
}

function operationIdOf({ controller, handlerName }: Route): string {
  const folder = controller.name.replace(/Controller$/, '');
  return (
    folder.charAt(0).toLowerCase() +
    folder.slice(1) +
    handlerName.charAt(0).toUpperCase() +
    handlerName.slice(1)
  );
}

function tagOf({ path }: Route): string {
  return path.startsWith('/api/v1/') ? (path.split('/')[3] ?? 'api') : 'process';
}

function argumentsOf({ controller, handlerName }: Route): Arguments {
  const stored = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, handlerName) ??
    {}) as Readonly<Record<string, Argument>>;
  const of = (kind: RouteParamtypes): readonly Argument[] =>
    Object.entries(stored).flatMap(([key, value]) => (key.startsWith(`${kind}:`) ? [value] : []));
  return {
    body: of(RouteParamtypes.BODY),
    query: of(RouteParamtypes.QUERY),
    param: of(RouteParamtypes.PARAM),
  };
}

function pathParameters(route: Route, { param }: Arguments): readonly JsonSchema[] {
  return [...route.path.matchAll(/:(\w+)/g)].map(([, name = '']) => {
    const schema = param.find(({ data }) => data === name)?.schema;
    return {
      name,
      in: 'path',
      required: true,
      schema: schema instanceof z.ZodType ? jsonSchema(schema) : { type: 'string' },
    };
  });
}

function queryParameters({ query }: Arguments): readonly JsonSchema[] {
  return query.flatMap(({ data, schema }): readonly JsonSchema[] => {
    const known = schema instanceof z.ZodType ? jsonSchema(schema) : { type: 'string' };
    if (typeof data === 'string') return [{ name: data, in: 'query', schema: known }];
    const properties = (known['properties'] ?? {}) as Readonly<Record<string, unknown>>;
    const required = (known['required'] ?? []) as readonly string[];
    return Object.entries(properties).map(([name, property]) => ({
      name,
      in: 'query',
      required: required.includes(name),
      schema: property,
    }));
  });
}

function bodyOf(name: string, body: z.ZodType, schemas: Record<string, JsonSchema>): JsonSchema {
  const { $defs, ...schema } = jsonSchema(body);
  const text = JSON.stringify({ schema, $defs: $defs ?? {} })
    .replaceAll('"$ref":"#"', `"$ref":"#/components/schemas/${name}"`)
    .replaceAll('"$ref":"#/$defs/', `"$ref":"#/components/schemas/${name}.`);
  const hoisted = JSON.parse(text) as { schema: JsonSchema; $defs: Record<string, JsonSchema> };
  schemas[name] = hoisted.schema;
  for (const [part, value] of Object.entries(hoisted.$defs)) schemas[`${name}.${part}`] = value;
  const content = { schema: { $ref: `#/components/schemas/${name}` } };
  return { required: true, content: { 'application/json': content } };
}

/**
 * The schema of what a route answers when it succeeds, from `@SerializeOptions({ schema })`: said and tested, not
 * computed with, because every answer is built by ourselves. Parts with an id of their own are shared by name.
 */
function answerOf(
  { controller, handlerName }: Route,
  schemas: Record<string, JsonSchema>,
): JsonSchema | null {
  const { prototype } = controller as { readonly prototype?: Readonly<Record<string, object>> };
  const handler = prototype?.[handlerName];
  if (handler === undefined) return null;
  const options = Reflect.getMetadata(CLASS_SERIALIZER_OPTIONS, handler) as
    { readonly schema?: unknown } | undefined;
  if (!(options?.schema instanceof z.ZodType)) return null;
  const known = z.toJSONSchema(z.strictObject({ answer: options.schema }), {
    io: 'output',
    unrepresentable: 'any',
  });
  // fields may be added later: the dialect's default, which generators of clients read better than the empty schema
  const text = JSON.stringify(known)
    .replaceAll(',"additionalProperties":{}', '')
    .replaceAll('"$ref":"#/$defs/', `"$ref":"${SCHEMA_REF}`);
  const { $defs, properties } = JSON.parse(text) as {
    readonly $defs?: Readonly<Record<string, JsonSchema>>;
    readonly properties: { readonly answer: JsonSchema };
  };
  for (const [name, part] of Object.entries($defs ?? {})) {
    schemas[name] = Object.fromEntries(Object.entries(part).filter(([field]) => field !== 'id'));
  }
  return properties.answer;
}

/** zod's JSON Schema 2020-12 is the dialect of OpenAPI 3.1; what has no JSON form is described as anything. */
function jsonSchema(schema: z.ZodType): Record<string, unknown> {
  const known = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return Object.fromEntries(Object.entries(known).filter(([name]) => name !== '$schema'));
}

function responsesOf(
  route: Route,
  given: Arguments,
  answer: JsonSchema | null,
): Readonly<Record<string, JsonSchema>> {
  const refused = (description: string): JsonSchema => ({
    description,
    content: { 'application/problem+json': { schema: { $ref: PROBLEM_REF } } },
  });
  const takesInput = given.body.length + given.query.length + given.param.length > 0;
  return {
    '2XX': {
      description: 'Done',
      ...(answer === null ? {} : { content: { 'application/json': { schema: answer } } }),
    },
    ...(route.scope === null
      ? {}
      : {
          '401': refused('No key, or one that is unknown or revoked'),
          '403': refused(`The key lacks the scope ${route.scope}`),
        }),
    ...(route.path.includes(':') ? { '404': refused('There is no such thing') } : {}),
    ...(route.method === 'GET' ? {} : { '409': refused('The present state does not allow it') }),
    ...(takesInput ? { '422': refused('The request is not as described here') } : {}),
    ...(route.scope === 'outcomes:write'
      ? { '429': refused('The key sends more than it may: retry-after says when to come again') }
      : {}),
    ...(sheddableRequest(route.method, route.path) === null
      ? {}
      : { '503': refused('Too busy for this at the moment: retry-after says when to come again') }),
    default: refused('Any other failure'),
  };
}
