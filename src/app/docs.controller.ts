import { Controller, Get, Header } from '@nestjs/common';
import { RouteCatalog } from '../auth/route-catalog.service.js';
import { Public } from '../auth/scope.js';
import { DOCS_CSP, docsPage } from './docs-page.js';
import { apiDocument } from './openapi.js';
import type { ApiDocument } from './openapi.js';
import { PRODUCT_VERSION } from './product-version.js';

@Controller('api')
export class DocsController {
  constructor(private readonly routes: RouteCatalog) {}

  @Get('openapi.json')
  @Public()
  document(): ApiDocument {
    return apiDocument(this.routes.list(), PRODUCT_VERSION);
  }

  @Get('docs')
  @Public()
  @Header('content-type', 'text/html; charset=utf-8')
  @Header('content-security-policy', DOCS_CSP)
  page(): string {
    return docsPage(this.document());
  }
}
