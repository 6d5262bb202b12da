import { Injectable, RequestMethod } from '@nestjs/common';
import type { OnModuleInit } from '@nestjs/common';
import { METHOD_METADATA, MODULE_PATH, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, ModulesContainer, Reflector } from '@nestjs/core';
import { SluiceError } from '../kernel/errors.js';
import { PUBLIC_ROUTE, REQUIRED_SCOPE } from './scope.js';
import type { Scope } from './scope.js';

// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type -- what Nest's Reflector takes
type Handler = Function;

interface ControllerClass extends Handler {
  readonly prototype: Readonly<Record<string, Handler>>;
}

/** One route handler of the control plane as its decorators describe it. */
export interface Route {
  readonly method: string;
  /** With `:name` for parameters and without a slash at the end. */
  readonly path: string;
  /** Null for a public route. */
  readonly scope: Scope | null;
  readonly controller: { readonly name: string };
  readonly handlerName: string;
}

/** Lists every route; refuses to start when one says neither which scope it needs nor that it is public. */
@Injectable()
export class RouteCatalog implements OnModuleInit {
  #routes: readonly Route[] | null = null;

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
    private readonly modules: ModulesContainer,
  ) {}

  onModuleInit(): void {
    this.list();
  }

  list(): readonly Route[] {
    return (this.#routes ??= this.#find());
  }

  #find(): readonly Route[] {
    return this.discovery.getControllers().flatMap(({ metatype, host }) => {
      if (typeof metatype !== 'function') return [];
      const controller = metatype as ControllerClass;
      const base = join(this.#prefixOf(host?.metatype), pathsOf(controller)[0] ?? '');
      return this.scanner
        .getAllMethodNames(controller.prototype)
        .flatMap((handlerName) => this.#routesOf(controller, handlerName, base));
    });
  }

  /** What the router module put in front of a module's controllers. */
  #prefixOf(module: unknown): string {
    if (typeof module !== 'function') return '';
    const key = MODULE_PATH + this.modules.applicationId;
    return (Reflect.getMetadata(key, module) as string | undefined) ?? '';
  }

  #routesOf(controller: ControllerClass, handlerName: string, base: string): readonly Route[] {
    const handler = controller.prototype[handlerName];
    const method =
      handler && (Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined);
    if (handler === undefined || method === undefined) return [];
    const target = [handler, controller];
    const isPublic = this.reflector.getAllAndOverride<true | undefined>(PUBLIC_ROUTE, target);
    const scope = this.reflector.getAllAndOverride<Scope | undefined>(REQUIRED_SCOPE, target);
    return pathsOf(handler).map((path) => {
      const route = { method: RequestMethod[method], path: join(base, path) };
      if (isPublic === undefined && scope === undefined) {
        throw unscoped(route, `${controller.name}.${handlerName}`);
      }
      return { ...route, scope: scope ?? null, controller, handlerName };
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
  handler: string,
): SluiceError {
  return new SluiceError(
    'internal',
    `route ${route.method} ${route.path} (${handler}) says neither @RequireScope nor @Public`,
    [{ field: handler, expected: "@RequireScope('<scope>') or @Public()" }],
  );
}
