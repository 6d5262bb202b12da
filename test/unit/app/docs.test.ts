import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { docsPage } from '../../../src/app/docs-page.js';
import { apiDocument } from '../../../src/app/openapi.js';
import type { Route } from '../../../src/auth/route-catalog.service.js';

const tree: z.ZodType = z.strictObject({
  name: z.string(),
  get children() {
    return z.array(tree).default([]);
  },
});
const query = z.strictObject({
  limit: z.coerce.number().default(10),
  cursor: z.string().optional(),
});

@Controller('trees')
class TreesController {
  @Post(':id')
  plant(
    @Param('id', { schema: z.uuid() }) id: string,
    @Body({ schema: tree }) body: unknown,
  ): unknown[] {
    return [id, body];
  }

  @Get()
  list(@Query({ schema: query }) filter: unknown): unknown {
    return filter;
  }

  @Delete(':id')
  cut(@Param('id') id: string): string {
    return id;
  }
}

const route = (
  method: string,
  path: string,
  handlerName: string,
  scope: Route['scope'],
): Route => ({
  method,
  path,
  handlerName,
  scope,
  controller: TreesController,
});

const document = apiDocument(
  [
    route('POST', '/api/v1/trees/:id', 'plant', 'models:write'),
    route('GET', '/api/v1/trees', 'list', null),
    route('DELETE', '/api/v1/trees/:id', 'cut', 'predict'),
  ],
  '1.2.3',
);

describe('the API document', () => {
  const plant = document.paths['/api/v1/trees/{id}']!['post']!;

  it('is OpenAPI 3.1 with the version of the product', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    expect(document.info.version).toBe('1.2.3');
  });

  it('describes a body by the schema that parses it, fields with a default being optional', () => {
    expect(plant.requestBody).toEqual({
      required: true,
      content: {
        'application/json': { schema: { $ref: '#/components/schemas/treesPlantRequest' } },
      },
    });
    const text = JSON.stringify(document.components.schemas['treesPlantRequest']);
    expect(text).toContain('"required":["name"]');
  });

  it('has no reference that leads nowhere', () => {
    const refs = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, ref]) => ref!,
    );
    expect(refs.length).toBeGreaterThan(5);
    for (const ref of refs) {
      const found = ref
        .slice(2)
        .split('/')
        .reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], document);
      expect(found, ref).toBeDefined();
    }
  });

  it('describes parameters of path and query', () => {
    expect(plant.parameters).toEqual([
      {
        name: 'id',
        in: 'path',
        required: true,
        schema: expect.objectContaining({ format: 'uuid' }),
      },
    ]);
    expect(document.paths['/api/v1/trees']!['get']!.parameters).toEqual([
      {
        name: 'limit',
        in: 'query',
        required: false,
        schema: expect.objectContaining({ default: 10 }),
      },
      { name: 'cursor', in: 'query', required: false, schema: { type: 'string' } },
    ]);
  });

  it('names the scope and the refusals of every route, and none of a public one', () => {
    expect(plant.security).toEqual([{ key: ['models:write'] }]);
    expect(plant.description).toContain('control-plane scope `models:write`');
    expect(Object.keys(plant.responses)).toEqual([
      '401',
      '403',
      '404',
      '409',
      '422',
      '2XX',
      'default',
    ]);
    expect(document.paths['/api/v1/trees/{id}']!['delete']!.description).toContain('data-plane');
    const list = document.paths['/api/v1/trees']!['get']!;
    expect(list.security).toEqual([]);
    expect(Object.keys(list.responses)).toEqual(['422', '503', '2XX', 'default']);
  });
});

describe('the docs page', () => {
  const page = docsPage(document);

  it('loads nothing and runs nothing', () => {
    expect(page).not.toMatch(/<script|<link|<img|<iframe|src=|@import|url\(|https?:\/\//i);
    expect(page).not.toMatch(/\son\w+=/i);
  });

  it('shows every route', () => {
    for (const path of Object.keys(document.paths)) expect(page).toContain(path);
    expect(page).toContain('models:write');
  });

  it('escapes what it shows', () => {
    const hostile = docsPage({
      ...document,
      info: { ...document.info, description: '<script>alert("1")</script>' },
    });
    expect(hostile).not.toContain('<script');
    expect(hostile).toContain('&lt;script&gt;');
  });
});
