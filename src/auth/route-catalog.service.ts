import { Injectable, RequestMethod } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { SluiceError } from '../kernel/errors.js';
import { PUBLIC_ROUTE, REQUIRED_SCOPE } from './scope.js';
import type { Scope } from './scope.js';

type Handler = (...args: readonly unknown[]) => unknown;

/** One route handler of the control plane as its decorators describe it. */
export interface Route {
  readonly method: string;
  /** Below the global prefix, with `:name` for parameters and without a slash at the end. */
  readonly path: string;
  /** Null for a public route. */
  readonly scope: Scope | null;
  readonly controller: { readonly name: string };
  readonly handlerName: string;
  readonly handler: Handler;
}

/** Lists every route; refuses to start when one says neither which scope it needs nor that it is public. */
@Injectable()
export class RouteCatalog implements OnModuleInit {
  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
  ) {}

  onModuleInit(): void {
    this.list();
  }

  list(): readonly Route[] {
    return this.discovery.getControllers().flatMap(({ metatype }) => {
      if (typeof metatype !== 'function') return [];
      const prototype = metatype.prototype as Record<string, Handler>;
      return this.scanner
        .getAllMethodNames(prototype)
        .flatMap((name) => this.#routesOf(metatype, name, prototype[name]));
    });
  }

  #routesOf(
    controller: Handler | { readonly name: string },
    name: string,
    handler?: Handler,
  ): readonly Route[] {
    const method =
      handler && (Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined);
    if (handler === undefined || method === undefined) return [];
    const target = [handler, controller as Handler];
    const isPublic =
      this.reflector.getAllAndOverride<boolean | undefined>(PUBLIC_ROUTE, target) === true;
    const scope =
      this.reflector.getAllAndOverride<Scope | undefined>(REQUIRED_SCOPE, target) ?? null;
    const base = pathsOf(controller)[0] ?? '';
    return pathsOf(handler).map((path) => {
      const route = { method: RequestMethod[method], path: join(base, path) };
      if (!isPublic && scope === null) throw unscoped(route, controller.name, name);
      return { ...route, scope: isPublic ? null : scope, controller, handlerName: name, handler };
    });
  }
}

function pathsOf(target: object): readonly string[] {
  const path = Reflect.getMetadata(PATH_METADATA, target) as string | readonly string[] | undefined;
  return path === undefined ? [''] : typeof path === 'string' ? [path] : path;
}

function join(base: string, path: string): string {
  return `/${base}/${path}`.replaceAll(/\/{2,}/g, '/').replace(/(?<=.)\/$/, '');
}

function unscoped(
  route: { readonly method: string; readonly path: string },
  controller: string,
  handler: string,
): SluiceError {
  const message = `route ${route.method} ${route.path} (${controller}.${handler}) says neither @RequireScope nor @Public`;
  return new SluiceError('internal', message, [
    { field: `${controller}.${handler}`, expected: "@RequireScope('<scope>') or @Public()" },
  ]);
}
