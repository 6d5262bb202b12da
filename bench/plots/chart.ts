/** A line with a name, drawn in its colour; a band has two edges instead of one line. */
export interface Series {
  readonly name: string;
  readonly colour: string;
  readonly points: readonly Point[];
  readonly isDashed?: boolean;
  /** Between the points and these there is a fill. */
  readonly lowerEdge?: readonly Point[];
  /** Drawn as steps: y holds until the next x. */
  readonly isStepped?: boolean;
  readonly hasMarks?: boolean;
}

export type Point = readonly [number, number];

export interface Axis {
  readonly label: string;
  readonly ticks: readonly number[];
  readonly isLogarithmic?: boolean;
  readonly format?: (value: number) => string;
}

export interface Chart {
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  /** A horizontal line, with what it means. */
  readonly reference?: {
    readonly y: number;
    readonly label: string;
    readonly isBelow?: boolean;
  };
}

/** Distinct in colour blindness and in grey (Okabe and Ito 2008). */
export const COLOURS = { blue: '#0072B2', orange: '#D55E00', green: '#007A5A', grey: '#595959' };

const WIDTH = 760;
const HEIGHT = 450;
const LEFT = 84;
const RIGHT = WIDTH - 28;
const TOP = 104;
const BOTTOM = HEIGHT - 64;
const FONT = 'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif"';

interface Scales {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
}

/** An SVG of a chart on a white panel, so that it can be read on any background. */
export function svgOf(chart: Chart): string {
  const scales = {
    x: scaleOf(chart.x, LEFT, RIGHT),
    y: scaleOf(chart.y, BOTTOM, TOP),
  };
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img" ${FONT}>`,
    `<title>${escaped(chart.title)}</title>`,
    `<desc>${escaped(chart.subtitle)}</desc>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="8" fill="#ffffff"/>`,
    text(LEFT, 30, chart.title, 'font-size="17" font-weight="600" fill="#1a1a1a"'),
    text(LEFT, 50, chart.subtitle, 'font-size="12.5" fill="#595959"'),
    legend(chart.series),
    grid(chart, scales),
    reference(chart, scales),
    ...chart.series.map((series) => drawn(series, scales)),
    '</svg>',
    '',
  ].join('\n');
}

function scaleOf({ ticks, isLogarithmic }: Axis, from: number, to: number): (v: number) => number {
  const of = (value: number): number => (isLogarithmic === true ? Math.log(value) : value);
  const low = of(ticks[0] ?? 0);
  const high = of(ticks.at(-1) ?? 1);
  return (value) => from + ((of(value) - low) / (high - low)) * (to - from);
}

function legend(series: readonly Series[]): string {
  let at = LEFT;
  const parts: string[] = [];
  for (const { name, colour, isDashed } of series) {
    const dash = isDashed === true ? ' stroke-dasharray="5 4"' : '';
    parts.push(
      `<line x1="${at}" y1="76" x2="${at + 26}" y2="76" stroke="${colour}" stroke-width="3"${dash}/>`,
      text(at + 33, 80, name, `font-size="13" fill="#1a1a1a"`),
    );
    at += 33 + name.length * 6.9 + 22;
  }
  return parts.join('\n');
}

function grid({ x, y }: Chart, scales: Scales): string {
  const small = 'font-size="12" fill="#404040"';
  const label = 'font-size="13" fill="#1a1a1a" text-anchor="middle"';
  const middle = (TOP + BOTTOM) / 2;
  return [
    ...y.ticks.flatMap((tick) => [
      `<line x1="${LEFT}" x2="${RIGHT}" y1="${number(scales.y(tick))}" y2="${number(scales.y(tick))}" stroke="#e3e3e3"/>`,
      text(LEFT - 8, scales.y(tick) + 4, formatted(y, tick), `${small} text-anchor="end"`),
    ]),
    ...x.ticks.flatMap((tick) => [
      `<line x1="${number(scales.x(tick))}" x2="${number(scales.x(tick))}" y1="${BOTTOM}" y2="${BOTTOM + 5}" stroke="#595959"/>`,
      text(scales.x(tick), BOTTOM + 20, formatted(x, tick), `${small} text-anchor="middle"`),
    ]),
    `<line x1="${LEFT}" x2="${RIGHT}" y1="${BOTTOM}" y2="${BOTTOM}" stroke="#595959"/>`,
    text((LEFT + RIGHT) / 2, BOTTOM + 46, x.label, label),
    text(24, middle, y.label, `${label} transform="rotate(-90 24 ${middle})"`),
  ].join('\n');
}

function reference({ reference: line }: Chart, scales: Scales): string {
  if (line === undefined) return '';
  const y = number(scales.y(line.y));
  return [
    `<line x1="${LEFT}" x2="${RIGHT}" y1="${y}" y2="${y}" stroke="#1a1a1a" stroke-dasharray="2 3"/>`,
    text(
      RIGHT - 4,
      scales.y(line.y) + (line.isBelow === true ? 16 : -6),
      line.label,
      'font-size="12" fill="#1a1a1a" text-anchor="end"',
    ),
  ].join('\n');
}

function drawn(series: Series, scales: Scales): string {
  const { colour, points, lowerEdge, isDashed, isStepped, hasMarks } = series;
  const dash = isDashed === true ? ' stroke-dasharray="5 4"' : '';
  const stroke = `fill="none" stroke="${colour}" stroke-width="2.25"${dash} stroke-linejoin="round"`;
  const parts = [`<path d="${path(points, scales, isStepped)}" ${stroke}/>`];
  if (lowerEdge !== undefined) {
    const outline = [...points, ...[...lowerEdge].reverse()];
    const fill = isDashed === true ? 'none' : colour;
    parts.unshift(`<path d="${path(outline, scales)}Z" fill="${fill}" fill-opacity="0.13"/>`);
    parts.push(`<path d="${path(lowerEdge, scales)}" ${stroke}/>`);
  }
  if (hasMarks === true) {
    for (const [x, y] of points) {
      parts.push(
        `<circle cx="${number(scales.x(x))}" cy="${number(scales.y(y))}" r="3.5" fill="${colour}"/>`,
      );
    }
  }
  return parts.join('\n');
}

function path(points: readonly Point[], scales: Scales, isStepped = false): string {
  let d = '';
  let lastY = '';
  for (const [x, y] of points) {
    const [px, py] = [number(scales.x(x)), number(scales.y(y))];
    if (d === '') d = `M${px} ${py}`;
    else d += isStepped ? `L${px} ${lastY}L${px} ${py}` : `L${px} ${py}`;
    lastY = py;
  }
  return d;
}

function text(x: number, y: number, words: string, attributes: string): string {
  return `<text x="${number(x)}" y="${number(y)}" ${attributes}>${escaped(words)}</text>`;
}

function formatted({ format }: Axis, value: number): string {
  return format === undefined ? value.toLocaleString('en-US') : format(value);
}

function number(value: number): string {
  return String(Math.round(value * 10) / 10);
}

function escaped(words: string): string {
  return words.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
