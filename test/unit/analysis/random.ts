/** xorshift128 (Marsaglia 2003): seeded, so that a failure can be looked at. */
export function randomFrom(seed: number): () => number {
  let x = seed | 1;
  let y = 362_436_069;
  let z = 521_288_629;
  let w = 88_675_123 ^ (seed << 1);
  const next = (): number => {
    const t = x ^ (x << 11);
    x = y;
    y = z;
    z = w;
    w = w ^ (w >>> 19) ^ t ^ (t >>> 8);
    return (w >>> 0) / 2 ** 32;
  };
  for (let warmUp = 0; warmUp < 20; warmUp += 1) next();
  return next;
}
