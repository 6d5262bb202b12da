import type { Page } from 'playwright-core';

/** One number on a page: what is read, the value behind it and where that is said to come from. */
export interface ShownFigure {
  readonly text: string;
  readonly value: string;
  readonly source: string;
}

export async function figuresOn(page: Page): Promise<readonly ShownFigure[]> {
  return page.locator('data[data-source]').evaluateAll((elements) =>
    elements.map((element) => ({
      text: element.textContent,
      value: element.getAttribute('value') ?? '',
      source: element.getAttribute('data-source') ?? '',
    })),
  );
}

/** Figures that are not what the API says, in words. */
export function wrongFigures(
  figures: readonly ShownFigure[],
  documents: Readonly<Record<string, unknown>>,
): readonly string[] {
  return figures.flatMap(({ text, value, source }) => {
    const [document = '', pointer = ''] = source.split('#');
    const truth = at(documents[document], pointer);
    if (typeof truth !== 'number' && truth !== null) return [`${source} leads to no number`];
    if (String(truth) !== value) return [`${source} is ${String(truth)}, the page has ${value}`];
    const says = truth === null ? text === '–' : reads(text, truth);
    return says ? [] : [`${source} is ${String(truth)}, the page reads "${text}"`];
  });
}

function at(document: unknown, pointer: string): unknown {
  return pointer
    .split('/')
    .slice(1)
    .reduce<unknown>((value, step) => (value as Record<string, unknown> | null)?.[step], document);
}

/** Whether a text is the number, rounded to the digits that it shows; written anew, not with the console's own code. */
function reads(text: string, truth: number): boolean {
  const plain = text.replaceAll(/[\u202f\s]/g, '').replaceAll('−', '-');
  if (plain === 'p<0.0001') return truth < 0.0001;
  if (plain === 'p>0.999') return truth > 0.999 && truth < 1;
  if (plain === '>99.9%') return truth > 0.999 && truth < 1;
  if (plain === '<0.1%') return truth > 0 && truth < 0.001;
  const match = /^(?:p=)?([+-]?\d+(?:\.(\d+))?(?:e(-?\d+))?)(%|pp|ms)?$/.exec(plain);
  if (match === null) return false;
  const [, digits = '', decimals = '', exponent = '0', unit] = match;
  const scaled = unit === '%' || unit === 'pp' ? truth * 100 : truth;
  const halfDigit = 0.5 * 10 ** (Number(exponent) - decimals.length);
  return (
    Math.abs(Number(digits) - scaled) <= halfDigit * (1 + 1e-9) && (truth === 0 || keeps(digits))
  );
}

/** Three digits that mean something, or a number that needs no more. */
function keeps(digits: string): boolean {
  return /[1-9]/.test(digits);
}
