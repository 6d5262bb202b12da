import { Gauge, type Registry } from 'prom-client';

/** A number that is asked for whenever somebody reads the metrics. */
export function gaugeOf(
  registry: Registry,
  { name, help }: { readonly name: string; readonly help: string },
  value: () => number,
): void {
  new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(value());
    },
  });
}
