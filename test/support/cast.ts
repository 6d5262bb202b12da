import { SluiceClient } from '../../demo/sluice-client.js';
import type { Played } from './fault-scene.js';
import { Product, type ProductStatus } from './product.js';

export type Role = 'gateway' | 'control' | 'worker';
export const ROLES: readonly Role[] = ['control', 'gateway', 'worker'];

export interface CastOptions {
  readonly databaseUrl: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Variables and modules of one role alone. */
  readonly of?: Partial<
    Readonly<Record<Role, { env?: Record<string, string>; imports?: readonly string[] }>>
  >;
}

/** The product as three processes, one per role, each with a data folder of its own. */
export class Cast implements Played {
  readonly admin: SluiceClient;

  private constructor(private readonly processes: Readonly<Record<Role, Product>>) {
    const { gateway, control } = processes;
    this.admin = new SluiceClient({
      ...control.admin.address,
      gatewayUrl: gateway.admin.address.gatewayUrl,
    });
  }

  /** Starts all of them; the role control first, because it migrates. */
  static async start({ databaseUrl, env = {}, of = {} }: CastOptions): Promise<Cast> {
    const common = { SLUICE_SECRET: 'a secret of the whole cast', SLUICE_LEASE_MS: '2000', ...env };
    const make = (role: Role): Promise<Product> =>
      Product.in(databaseUrl, {
        env: { SLUICE_ROLES: role, ...common, ...of[role]?.env },
        imports: of[role]?.imports ?? [],
      });
    const [control, gateway, worker] = [
      await make('control'),
      await make('gateway'),
      await make('worker'),
    ];
    const cast = new Cast({ control, gateway, worker });
    await control.start();
    await Promise.all([gateway.start(), worker.start()]);
    return cast;
  }

  get dataDir(): string {
    return this.processes.gateway.dataDir;
  }

  as(role: Role): Product {
    return this.processes[role];
  }

  status(): Promise<ProductStatus> {
    return this.processes.gateway.status();
  }

  async dispose(): Promise<void> {
    await Promise.all(ROLES.map((role) => this.processes[role].dispose()));
  }
}
