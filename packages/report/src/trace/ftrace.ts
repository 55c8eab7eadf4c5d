/**
 * A replayed token as ftrace prints a trace: the kernel's tracepoints that the model passes, with those of their fields
 * that it knows; a mark for each step; and sched_switch, so that viewers draw lanes. All of it is on one CPU.
 *
 * @see Documentation/trace/ftrace.rst, include/trace/events (v5.15)
 */
import type { CheckTrace, Tracepoint } from '@fsport/conformance';
import type { Where } from '../failure-text.js';

/** The model has one device: what `stat -c %d` shows of a loop device. */
const MAJOR = 7;
const MINOR = 0;
const FIRST_PID = 1001;
/** Longest name of a task, without the byte that ends it. */
const COMM = 15;
const PRIO = 120;

type Fields = Readonly<Record<string, unknown>>;

/** Inode numbers are hexadecimal in filemap events, decimal in those of ext4. */
function filemap({ ino, index }: Fields, pageSize: number): string {
  return `dev ${MAJOR}:${MINOR} ino ${Number(ino).toString(16)} ofs=${Number(index) * pageSize}`;
}

function ext4(rest: (fields: Fields) => string): (fields: Fields) => string {
  return (fields) => `dev ${MAJOR},${MINOR} ino ${fields['ino']} ${rest(fields)}`.trimEnd();
}

const bytes = ext4(({ offset, len }) => `offset ${offset} len ${len}`);
/** For these, `len` of the model is the last block. */
const blocks = ext4(({ offset, len }) => `since ${offset} end ${len}`);

/** Texts of tracepoints, from the names of the kernel. */
const TEXTS: Readonly<Record<string, (fields: Fields, pageSize: number, comm: string) => string>> = {
  mm_filemap_add_to_page_cache: filemap,
  mm_filemap_delete_from_page_cache: filemap,
  filemap_set_wb_err: ({ ino, errseq }) =>
    `dev=${MAJOR}:${MINOR} ino=0x${Number(ino).toString(16)} errseq=0x${(Number(errseq) >>> 0).toString(16)}`,
  block_bio_queue: ({ rw, block, count }, _pageSize, comm) =>
    `${MAJOR},${MINOR} ${rw} ${Number(block)} + ${count} [${comm}]`,
  block_bio_complete: ({ rw, block, count, error }) =>
    `${MAJOR},${MINOR} ${rw} ${Number(block)} + ${count} [${error}]`,
  ext4_punch_hole: bytes,
  ext4_zero_range: bytes,
  ext4_collapse_range: bytes,
  ext4_insert_range: bytes,
  ext4_es_remove_extent: ext4(({ offset, len }) => `es [${offset}/${len})`),
  ext4_ext_remove_space: blocks,
  ext4_ext_remove_space_done: blocks,
  ext4_free_blocks: ext4(({ block, count }) => `block ${block} count ${count}`),
  ext4_invalidatepage: ext4(({ index, offset, len }) => `page_index ${index} offset ${offset} length ${len}`),
  ext4_truncate_enter: ext4(() => ''),
  ext4_truncate_exit: ext4(() => ''),
};

/** Tracepoints that no text is known of: names and values, as most of the kernel's do. */
function generic({ ino, ...rest }: Fields): string {
  const values = Object.entries(rest).map(([name, value]) => `${name} ${value}`);
  return [
    `dev ${MAJOR}:${MINOR}`,
    ...(ino === undefined ? [] : [`ino 0x${Number(ino).toString(16)}`]),
    ...values,
  ].join(' ');
}

/** What a task is called: the call that it makes, as its name in the kernel may be. */
function commOf(name: string, title: string): string {
  return `${name}-${title.replaceAll(/\(\d\)/g, '').replaceAll(/[^A-Za-z0-9_]+/g, '_')}`.slice(0, COMM);
}

/**
 * A trace as ftrace prints it.
 *
 * @param trace - What was replayed.
 * @param where - Filesystem and profile.
 */
export function ftraceText(trace: CheckTrace, { fs, profile }: Where): string {
  const { check, tasks, steps, cached } = trace;
  const { pageSize, blockSize } = check.geometry;
  const known = new Map(
    tasks.map(({ name, title }, i) => [name, { comm: commOf(name, title), pid: FIRST_PID + i }] as const),
  );
  const lines: string[] = [];
  const emit = (task: { readonly comm: string; readonly pid: number }, event: string, text: string): void => {
    const time = (lines.length / 1e6).toFixed(6);
    const who = `${task.comm.padStart(16)}-${String(task.pid).padEnd(7)}`;
    lines.push(`${who} [000] ..... ${time.padStart(12)}: ${event}: ${text}`);
  };
  const point = (
    task: { readonly comm: string; readonly pid: number },
    { event, fields }: Tracepoint,
  ): void => emit(task, event, (TEXTS[event] ?? generic)(fields, pageSize, task.comm));

  const setUp = { comm: 'set-up', pid: FIRST_PID - 1 };
  for (const fields of cached) point(setUp, { event: 'mm_filemap_add_to_page_cache', fields: { ...fields } });
  let running = setUp;
  for (const [i, { task, text, result, tracepoints }] of steps.entries()) {
    const next = known.get(task) ?? setUp;
    if (next !== running) {
      const state = steps[i - 1]?.preempted === true ? 'R' : 'S';
      const from = `prev_comm=${running.comm} prev_pid=${running.pid} prev_prio=${PRIO} prev_state=${state}`;
      emit(
        running,
        'sched_switch',
        `${from} ==> next_comm=${next.comm} next_pid=${next.pid} next_prio=${PRIO}`,
      );
      running = next;
    }
    emit(next, 'tracing_mark_write', `step ${i + 1}: ${`${text}  ${result}`.trimEnd()}`);
    for (const one of tracepoints) point(next, one);
  }
  const head = [
    '# tracer: nop',
    '#',
    `# entries-in-buffer/entries-written: ${lines.length}/${lines.length}   #P:1`,
    '#',
    `# MODEL: ${fs} ${profile} ${check.id}; page size ${pageSize}, block size ${blockSize}; time counts lines`,
    '#',
    '#           TASK-PID     CPU#  |||||  TIMESTAMP  FUNCTION',
    '#              | |         |   |||||     |         |',
  ];
  return `${[...head, ...lines].join('\n')}\n`;
}
