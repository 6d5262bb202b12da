import { createParamDecorator, SetMetadata } from '@nestjs/common';
import type { CustomDecorator, ExecutionContext } from '@nestjs/common';
import { invariant } from '../kernel/assert.js';

/** What people and pipelines may do: configuration, evidence, keys. */
export const CONTROL_SCOPES = [
  'admin',
  'models:read',
  'models:write',
  'metrics:read',
  'metrics:write',
  'experiments:read',
  'experiments:write',
  'webhooks:read',
  'webhooks:write',
  'keys:write',
] as const;

/** What applications may do. No key carries scopes of both planes: a leaked application key changes no traffic. */
export const DATA_SCOPES = [
  'predict',
  'predict:override',
  'outcomes:write',
  'assignments:write',
] as const;

export type ControlScope = (typeof CONTROL_SCOPES)[number];
export type DataScope = (typeof DATA_SCOPES)[number];
export type Scope = ControlScope | DataScope;

/** Who sent a request: one API key. */
export interface Principal {
  readonly id: string;
  /** The key's name, written into decisions and plans as the actor. */
  readonly name: string;
  readonly scopes: readonly Scope[];
}

export function isControlScope(scope: string): scope is ControlScope {
  return (CONTROL_SCOPES as readonly string[]).includes(scope);
}

export function isDataScope(scope: string): scope is DataScope {
  return (DATA_SCOPES as readonly string[]).includes(scope);
}

/** True when the scopes of a key cover a scope; `admin` covers the control plane and nothing else. */
export function grants(held: readonly Scope[], needed: Scope): boolean {
  return held.includes(needed) || (isControlScope(needed) && held.includes('admin'));
}

/** Metadata keys that the guard, its boot check and the API document read. */
export const REQUIRED_SCOPE = 'sluice:scope';
export const PUBLIC_ROUTE = 'sluice:public';

/** The scope that a caller's key needs; a route without it (and without `@Public`) stops the start. */
export function RequireScope(scope: Scope): CustomDecorator {
  return SetMetadata(REQUIRED_SCOPE, scope);
}

/** A route that needs no key: health, documentation. */
export function Public(): CustomDecorator {
  return SetMetadata(PUBLIC_ROUTE, true);
}

export interface PrincipalCarrier {
  principal?: Principal;
}

function principalOf(context: ExecutionContext): Principal {
  const { principal } = context.switchToHttp().getRequest<PrincipalCarrier>();
  invariant(principal !== undefined, '@Actor or @Caller is used on a public route');
  return principal;
}

/** The name of the key that sent the request. */
export const Actor = createParamDecorator(
  (_data: unknown, context: ExecutionContext): string => principalOf(context).name,
);

/** The key that sent the request, with its scopes. */
export const Caller = createParamDecorator((_data: unknown, context: ExecutionContext): Principal =>
  principalOf(context),
);
