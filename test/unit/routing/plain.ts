import { Buffer } from 'node:buffer';
import type {
  AttributeValue,
  ExperimentPlan,
  ModelPlan,
  Predicate,
} from '../../../src/routing/plan.js';

// A second implementation, written for being obviously right: big integers for the hash, a table of ranges for
// the assignment. The tests hold the fast one against it.

const MASK = 0xffffffffn;

function rotate(value: bigint, by: bigint): bigint {
  return ((value << by) | (value >> (32n - by))) & MASK;
}

/** MurmurHash3 x86_32 with big integers, line by line after MurmurHash3.cpp. */
export function plainMurmur3(text: string, seed: number): number {
  const data = Buffer.from(text, 'utf8');
  let h1 = BigInt(seed >>> 0);
  const scramble = (k: bigint): bigint =>
    (rotate((k * 0xcc9e2d51n) & MASK, 15n) * 0x1b873593n) & MASK;
  const whole = Math.floor(data.length / 4);
  for (let i = 0; i < whole; i++) {
    h1 ^= scramble(BigInt(data.readUInt32LE(i * 4)));
    h1 = (rotate(h1, 13n) * 5n + 0xe6546b64n) & MASK;
  }
  const tail = data.subarray(whole * 4);
  let k1 = 0n;
  tail.forEach((byte, index) => {
    k1 |= BigInt(byte) << BigInt(8 * index);
  });
  if (tail.length > 0) h1 ^= scramble(k1);
  h1 ^= BigInt(data.length);
  h1 ^= h1 >> 16n;
  h1 = (h1 * 0x85ebca6bn) & MASK;
  h1 ^= h1 >> 13n;
  h1 = (h1 * 0xc2b2ae35n) & MASK;
  h1 ^= h1 >> 16n;
  return Number(h1);
}

/** `version/variant` of a unit, or the version alone outside an experiment. */
export function plainAssign(
  model: ModelPlan,
  unit: string,
  attributes: Readonly<Record<string, AttributeValue>> = {},
): string {
  const { holdout, champion } = model;
  if (holdout !== undefined) {
    const b = place(holdout.salt, unit);
    const recorded = (variant: string): string => (holdout.experiment ? `/${variant}` : '');
    if (1 - holdout.share <= b) return holdout.version + recorded('holdout');
    if (b < holdout.share) return String(champion) + recorded('shipped');
  }
  for (const experiment of model.experiments.filter(({ kind }) => kind !== 'shadow')) {
    const segments = (experiment.layer?.ranges ?? [{ from: 0, to: 10_000 }]).flatMap((range) =>
      Array.from({ length: range.to - range.from }, (_, i) => range.from + i),
    );
    const segment = Math.floor(place(experiment.layer?.salt ?? '', unit) * 10_000);
    if (!new Set(segments).has(segment)) continue;
    if (!(experiment.audience ?? []).every((one) => holds(one, attributes))) continue;
    const found = experiment.kind === 'canary' ? canary(experiment, unit) : ab(experiment, unit);
    if (found === null) continue;
    const variant = experiment.variants.find(({ name }) => name === found);
    return variant?.closed ? String(champion) : `${String(variant?.version)}/${found}`;
  }
  return String(champion);
}

/** Conditions as the property tests draw them: on texts, numbers and plain three-part versions. */
function holds(one: Predicate, attributes: Readonly<Record<string, AttributeValue>>): boolean {
  const value = attributes[one.attribute];
  if (value === undefined) return false;
  let found: boolean;
  switch (one.kind) {
    case 'equals':
      found = value === one.value;
      break;
    case 'in':
      found = one.values.includes(value);
      break;
    case 'prefix':
      if (typeof value !== 'string') return false;
      found = value.slice(0, one.prefix.length) === one.prefix;
      break;
    case 'range':
      if (typeof value !== 'number') return false;
      found = (one.from ?? -Infinity) <= value && value < (one.to ?? Infinity);
      break;
    case 'semver': {
      if (typeof value !== 'string' || !/^[0-9]+\.[0-9]+\.[0-9]+$/.test(value)) return false;
      const number = (text: string): number =>
        text.split('.').reduce((sum, part) => sum * 1_000 + Number(part), 0);
      found =
        (one.from === null || number(value) >= number(one.from)) &&
        (one.below === null || number(value) < number(one.below));
    }
  }
  return found !== (one.negated === true);
}

function place(salt: string, unit: string): number {
  return plainMurmur3(`${salt}:${unit}`, 0) / 4294967296;
}

function canary(experiment: ExperimentPlan, unit: string): string | null {
  const c = experiment.coverage;
  const b = place(experiment.salt, unit);
  const treatment = experiment.variants.filter((v) => !v.control)[0]?.name ?? null;
  const control = experiment.variants.filter((v) => v.control)[0]?.name ?? null;
  if (b < c) return treatment;
  if (c > 0.5) return control;
  return b >= 1 - c ? control : null;
}

function ab(experiment: ExperimentPlan, unit: string): string | null {
  const b = place(`${experiment.salt}.coverage`, unit);
  if (!(b < experiment.coverage)) return null;
  const segment = experiment.segments.filter(({ upTo }) => b < upTo)[0];
  if (segment === undefined) return null;
  const total = segment.weights.reduce((a, w) => a + w, 0);
  let rest = place(`${experiment.salt}.variant`, unit) * total;
  for (const [index, variant] of experiment.variants.entries()) {
    rest -= segment.weights[index] ?? 0;
    if (rest < 0) return variant.name;
  }
  return null;
}
