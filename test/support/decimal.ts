/** Exact decimals for oracles: `digits * 10^-scale`. */
export interface Decimal {
  readonly digits: bigint;
  readonly scale: number;
}

export const ZERO: Decimal = { digits: 0n, scale: 0 };

/** The shortest decimal that reads back as the same double, as PostgreSQL prints it too. */
export function decimal(value: number): Decimal {
  const [mantissa = '0', exponent = '0'] = value.toString().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}

export function plus(a: Decimal, b: Decimal): Decimal {
  const scale = Math.max(a.scale, b.scale);
  const lift = (one: Decimal): bigint => one.digits * 10n ** BigInt(scale - one.scale);
  return { digits: lift(a) + lift(b), scale };
}

export function times(a: Decimal, b: Decimal): Decimal {
  return { digits: a.digits * b.digits, scale: a.scale + b.scale };
}

export function minus(a: Decimal, b: Decimal): Decimal {
  return plus(a, { digits: -b.digits, scale: b.scale });
}

export function sumOf(values: readonly Decimal[]): Decimal {
  return values.reduce(plus, ZERO);
}

/** Rounded once, correctly. */
export function toNumber(value: Decimal): number {
  return Number(`${value.digits.toString()}e${(-value.scale).toString()}`);
}
