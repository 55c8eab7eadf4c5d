/**
 * A schedule as a picture: a lane for each task, a line for each step, bars for the locks that are held. Only a switch of
 * tasks crosses lanes. Texts stand to the right of all lanes, wrapped, so that it can be read on a telephone.
 */
import type { CheckTrace } from '@fsport/conformance';
import wrapAnsi from 'wrap-ansi';
import type { Where } from '../failure-text.js';
import { type Element, xmlDocument, xmlText } from '../xml.js';
import { type Hold, holdsOf } from './holds.js';

/** Pixels. A telephone shows 360 of them in a line. */
const WIDTH = 360;
const FONT = 10;
/** Of a letter of the font, which has letters of one width. */
const LETTER = 6.1;
const LINE = 13;
const ROW = 6;
const MARGIN = 8;
const LANE = 22;
const BAR = 3;

/** A colour for each lane, told apart also by those who see no red or green. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#8c6d00', '#56b4e9'];

const STYLE = [
  'text{font:10px ui-monospace,Menlo,Consolas,monospace;fill:#1a1a1a}',
  '.head{font-weight:bold}.bad{fill:#b00020;font-weight:bold}.dim{fill:#666}',
  '.lane{stroke:#ccc}.switch{stroke:#888;fill:none}.paper{fill:#fff}',
].join('');

/** What is drawn, by kind: later kinds cover earlier ones. */
interface Drawn {
  readonly lines: Element[];
  readonly bars: Element[];
  readonly dots: Element[];
  readonly texts: Element[];
}

/** Bars of one lane stand beside each other while both are held. */
function levelOf(hold: Hold, index: number, holds: readonly Hold[]): number {
  return holds.slice(0, index).filter((other) => other.task === hold.task && other.to > hold.from).length;
}

/** A way to write texts below each other. */
class Column {
  y = MARGIN;
  readonly #texts: Element[];

  constructor(texts: Element[]) {
    this.#texts = texts;
  }

  /** Write a text from x on. Returns the middle of its first line. */
  write(x: number, text: string, style: Element = {}): number {
    const letters = Math.floor((WIDTH - MARGIN - x) / LETTER);
    const middle = this.y + LINE / 2;
    for (const line of wrapAnsi(text, letters, { hard: true }).split('\n')) {
      this.y += LINE;
      this.#texts.push({ '@x': x, '@y': this.y - 3, ...style, '#text': xmlText(line) });
    }
    return middle;
  }
}

/**
 * A picture of a schedule: one file that needs nothing else.
 *
 * @param trace - What was replayed.
 * @param where - Filesystem and profile.
 */
export function svgPicture(trace: CheckTrace, { fs, profile }: Where): string {
  const { check, failure, tasks, steps } = trace;
  const drawn: Drawn = { lines: [], bars: [], dots: [], texts: [] };
  const column = new Column(drawn.texts);
  const laneOf = (task: string): number => tasks.findIndex(({ name }) => name === task);
  const laneX = (task: string): number => MARGIN + LANE / 2 + LANE * laneOf(task);
  const colorOf = (task: string): string => COLORS[laneOf(task) % COLORS.length] as string;
  const textX = MARGIN + LANE * tasks.length + MARGIN;

  column.write(MARGIN, `${check.id}  ${fs} ${profile}`, { '@class': 'head' });
  if (failure !== null) column.write(MARGIN, `${failure.property}: ${failure.message}`, { '@class': 'bad' });
  column.y += ROW;
  for (const { name, title } of tasks) {
    const y = column.write(textX, `${name}  ${title}`);
    drawn.dots.push({ '@cx': laneX(name), '@cy': y, '@r': FONT / 2, '@fill': colorOf(name) });
  }
  column.y += ROW;
  const top = column.y;

  const middles = steps.map(({ text, result, task, preempted }, i) => {
    const bad = failure?.at === i;
    const said = `${i + 1} ${`${text}  ${result}`.trimEnd()}`;
    const y = column.write(textX, said, bad ? { '@class': 'bad' } : {});
    if (bad) column.write(textX, `  ^ ${failure.property}`, { '@class': 'bad' });
    if (preempted) column.write(textX, `  ${task} is preempted`, { '@class': 'dim' });
    column.y += ROW;
    return y;
  });
  for (const { name } of tasks) {
    drawn.lines.push({
      '@class': 'lane',
      '@x1': laneX(name),
      '@x2': laneX(name),
      '@y1': top,
      '@y2': column.y,
    });
  }
  for (const [i, { task }] of steps.entries()) {
    const y = middles[i] as number;
    drawn.dots.push({ '@cx': laneX(task), '@cy': y, '@r': 4, '@fill': colorOf(task) });
    const before = steps[i - 1]?.task ?? task;
    if (before === task) continue;
    const [x1, y1] = [laneX(before), middles[i - 1] as number];
    drawn.lines.push({ '@class': 'switch', '@x1': x1, '@y1': y1, '@x2': laneX(task), '@y2': y });
  }
  const holds = holdsOf(trace);
  for (const [index, hold] of holds.entries()) {
    const from = middles[hold.from] as number;
    const x = laneX(hold.task) - LANE / 2 + BAR * levelOf(hold, index, holds);
    drawn.bars.push({
      '@x': x,
      '@y': from,
      '@width': BAR - 1,
      '@height': Math.max((middles[hold.to] as number) - from, 1),
      '@fill': colorOf(hold.task),
      '@opacity': hold.mode === 'X' ? '0.9' : '0.4',
      title: `${hold.lock} ${hold.mode === 'X' ? 'exclusive' : 'shared'}`,
    });
  }
  for (const reason of failure?.because ?? []) column.write(MARGIN, `- ${reason}`);
  column.y += ROW;
  const height = column.y + MARGIN;
  return xmlDocument({
    svg: {
      '@xmlns': 'http://www.w3.org/2000/svg',
      '@viewBox': `0 0 ${WIDTH} ${height}`,
      '@width': '100%',
      '@style': 'max-width:720px',
      '@role': 'img',
      title: `${check.id} on ${fs} ${profile}`,
      style: STYLE,
      rect: [{ '@class': 'paper', '@width': WIDTH, '@height': height }, ...drawn.bars],
      line: drawn.lines,
      circle: drawn.dots,
      text: drawn.texts,
    },
  });
}
