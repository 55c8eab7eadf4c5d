// A good and a bad use of each command and option, as they are typed. REDIS is the address of a server.

/** A call, and one fact that shows that it did what it should. */
export interface Good {
  /** What is called before it. */
  readonly before?: string;
  readonly line: string;
  /** Exit status, if it is not 0. */
  readonly status?: number;
  /** What it prints, or what is in a file that it writes. */
  readonly shows: RegExp;
  readonly file?: string;
}

/** A call that is refused with status 3, or that of git, and what is said. */
export interface Bad {
  readonly line: string;
  readonly says: RegExp;
}

/** The good use may be in another test, which needs more than a project. */
export interface Uses {
  readonly good: Good | { readonly elsewhere: string };
  readonly bad: Bad;
}

const E7 = 'race/e7-zero-range-vs-read';
const TOKEN = `'${E7}@1:p1r1'`;

function uses(good: string | Good, shows: RegExp, bad: string, says: RegExp): Uses {
  return {
    good: typeof good === 'string' ? { line: good, shows } : { ...good, shows },
    bad: { line: bad, says },
  };
}

function written(line: string, file: string): Good {
  return { line, file, shows: /./ };
}

function after(before: string, line: string, status = 0): Good {
  return { before, line, status, shows: /./ };
}

function elsewhere(test: string, bad: string, says: RegExp): Uses {
  return { good: { elsewhere: test }, bad: { line: bad, says } };
}

/** What of E3 and E7 is selected is printed, or audited. */
const ONLY_E7 = new RegExp(`^${E7}\n$`);
const ASKED_ONE = /^CHECKS +-- asked 1, /m;
const FAULTS_ONLY = /^(?!(?:.*\n)*race\/e)(?:.*\n)*error\/read-vs-truncate\n/;
const NO_VALUE = /takes no value/;
const NOT_EMPTY = /must not be empty/;

/** With every option that changes how a run goes. */
const RUN = 'run ext4 E7 --profile v5.15 --workers 1';
const BUDGETS = `${RUN} --engine threads --strategy dpor --seed 7 --max-executions 1000 --max-steps 900 --time 5m`;
const REPORTS = `${RUN} --no-times --results out --reporter minimal,json=out.json`;
const FAILS = 'run b E3 --profile v5.14 --workers 1 --bail 1 --results failed';
const SHARD = `${RUN} --results shards --shard 1/1`;
const MERGE = 'merge shards/shard-1-of-1 --no-times --results merged --reporter minimal,json=merged.json';
const NEW_FS = 'new fs toyfs --follows v5.15 --see fs/toyfs/inode.c --no-interactive --no-run';
const NEW_CHECK = 'new check race/read-vs-read --group quick,auto';
const NEW_STRATEGY = 'new strategy greedy';
const BISECT = 'bisect-run b E7 --profile v5.15 --max-executions 100000 --time 5m';
const AUDIT = 'audit ext4 E7 --profile v5.15 --workers 1';
const WATCH = 'watch c --group quick --results watched';
const DOCTOR = 'doctor --results fresh --redis REDIS';

/** The options that select checks, for each command that has them. */
function selections(
  command: string,
  [onlyE7, faultsOnly] = [ONLY_E7, FAULTS_ONLY],
): Readonly<Record<string, Uses>> {
  const call = command === 'run' ? 'run --list' : command;
  const of = (option: string): string => `${command} ${option}`;
  return {
    [of('--check-list')]: uses(
      `${call} ext4 --check-list e7.txt`,
      onlyE7,
      `${call} ext4 --check-list none.txt`,
      /none\.txt.*ENOENT.*fsport list/,
    ),
    [of('--group')]: uses(
      `${call} c --group faults`,
      faultsOnly,
      `${call} ext4 --group quik`,
      /"quik".*auto, quick/,
    ),
    [of('--exclude-group')]: uses(
      `${call} ext4 E6 E7 --exclude-group truncate`,
      onlyE7,
      `${call} ext4 --exclude-group quik`,
      /"quik".*auto, quick/,
    ),
    [of('--exclude')]: uses(
      `${call} ext4 E3 E7 --exclude 'E3 # slow'`,
      onlyE7,
      `${call} ext4 --exclude E7`,
      /"E7" has no reason.*Write one check/,
    ),
    [of('--exclude-file')]: uses(
      `${call} ext4 E3 E7 --exclude-file out.txt`,
      onlyE7,
      `${call} ext4 --exclude-file none.txt`,
      /none\.txt.*ENOENT.*Write/,
    ),
    [of('--exclude-own')]: uses(
      `${call} b E3 E7 --exclude-own own.txt`,
      onlyE7,
      `${call} b --exclude-own none.txt`,
      /none of the filesystem packages/,
    ),
    [of('--profile')]: uses(
      `${call} ext4 E7 --profile v5.15`,
      onlyE7,
      `${call} ext4 --profile v4.0`,
      /"v4\.0".*v5\.14, v5\.15/,
    ),
  };
}

/** Every command and option -> its uses. */
export const USES: Readonly<Record<string, Uses>> = {
  '--version': uses('--version', /^\d+\.\d+\.\d+\n$/, '--version=1', NO_VALUE),

  run: uses(RUN, new RegExp(`^${E7} .* pass `, 'm'), 'run ext5', /"ext5".*ext4.*fsport list/),
  ...selections('run'),
  'run --list': uses(`${RUN} --list`, ONLY_E7, 'run --list=yes', NO_VALUE),
  'run --reporter': uses(
    written(REPORTS, 'out.json'),
    /^\{\s*"format": ?1,/,
    `${RUN} --reporter text,xml`,
    /"xml".*text, minimal/,
  ),
  'run --workers': uses(RUN, / pass /, `${RUN} --workers 0`, /1 to 1024/),
  'run --engine': uses(BUDGETS, / pass /, `${RUN} --engine cluster`, /threads, bullmq/),
  'run --redis': elsewhere('queue.test.ts', `${RUN} --redis redis://127.0.0.1:1`, /--engine bullmq/),
  'run --random': uses(`${RUN} --random --seed 7`, /-r --seed 7 repeats it/, `${RUN} --random=7`, NO_VALUE),
  'run --strategy': uses(BUDGETS, /^BOUNDS +-- dpor,/m, `${RUN} --strategy dporr`, /auto, dfs, dpor/),
  'run --seed': uses(`${RUN} --random --seed 7`, /--seed 7 /, `${RUN} --seed x`, /whole number/),
  'run --max-executions': uses(
    BUDGETS,
    /at most 1,?000 executions/,
    `${RUN} --max-executions 0`,
    /at least 1/,
  ),
  'run --max-steps': uses(BUDGETS, /900 steps/, `${RUN} --max-steps 1000001`, /1 to 1000000/),
  'run --time': uses(BUDGETS, /300 s per check/, `${RUN} --time 5`, /30s, 5m or 4h/),
  'run --bail': uses(
    { line: FAILS, status: 1, shows: /./ },
    /stopped by --bail/,
    'run ext4 E7 --bail 0',
    /at least 1/,
  ),
  'run --shard': uses(
    'run --list ext4 E3 E7 --profile v5.15 --shard 1/2',
    /^(?:race\/\S+\n){2}$/,
    `${RUN} --shard 3/2`,
    /i\/n with i from 1 to n/,
  ),
  'run --resume': uses(
    after(`${RUN} --results again`, `${RUN} --results again --resume`),
    / pass /,
    `${RUN} --resume=1`,
    NO_VALUE,
  ),
  'run --last-failed': uses(
    after(FAILS, 'run b --results failed --last-failed --list'),
    /^(?:race\/e3-\S+\n)+$/,
    `${RUN} --last-failed --resume`,
    /cannot be used with/,
  ),
  'run --changed': uses(
    'run ext4 E7 --changed HEAD',
    /no selected filesystem has changed/,
    'run ext4 E7 --changed gone',
    /no commit "gone".*git repository/,
  ),
  'run --no-times': uses(written(REPORTS, 'out.json'), /"seconds": ?0[,\s]/, `${RUN} --no-times=1`, NO_VALUE),
  'run --results': uses(
    written(REPORTS, 'out/latest/run.json'),
    /"results"/,
    `${RUN} --results bad.txt/x`,
    /Name another folder/,
  ),

  list: uses('list ext4 E7', ONLY_E7, 'list E99', /"E99".*fits no check.*fsport list/),
  ...selections('list'),
  'list --json': uses('list ext4 E7 --json', new RegExp(`"id": ?"${E7}"`), 'list --json=1', NO_VALUE),

  audit: uses(AUDIT, ASKED_ONE, 'audit E7', /"E7"/),
  ...selections('audit', [ASKED_ONE, /^CHECKS +-- asked \d+, .*not run$/m]),
  'audit --max-executions': uses(
    `${AUDIT} --max-executions 1`,
    /asked 0, .*1 not finished/,
    `${AUDIT} --max-executions 0`,
    /at least 1/,
  ),
  'audit --workers': uses(AUDIT, ASKED_ONE, `${AUDIT} --workers 0`, /1 to 1024/),

  replay: uses(`replay ext4 ${TOKEN}`, /nothing is wrong/, 'replay ext4 nonsense', /cannot be read/),
  'replay --profile': uses(
    `replay ext4 ${TOKEN} --profile v5.15`,
    /ext4 v5\.15/,
    `replay ext4 ${TOKEN} --profile v4.0`,
    /"v4\.0".*v5\.14, v5\.15/,
  ),

  explain: uses(
    `explain ext4 ${TOKEN}`,
    /nothing is wrong/,
    'explain ext4',
    /missing required argument 'token'/,
  ),
  'explain --profile': uses(
    `explain ext4 ${TOKEN} --profile v5.15`,
    /ext4 v5\.15/,
    `explain ext4 ${TOKEN} --profile v4.0`,
    /"v4\.0".*v5\.14, v5\.15/,
  ),
  'explain --format': uses(
    `explain ext4 ${TOKEN} --format mermaid`,
    /^sequenceDiagram\n/,
    `explain ext4 ${TOKEN} --format xml`,
    /text, changelog, mermaid/,
  ),

  diff: uses(
    `diff ext4@v5.14 ext4@v5.15 ${TOKEN}`,
    /ext4 v5\.14 and ext4 v5\.15/,
    `diff ext4 ext4@v4.0 ${TOKEN}`,
    /ext4@v4\.0.*v5\.14, v5\.15/,
  ),

  matrix: uses(after(RUN, 'matrix'), /^shift-or-zero +safe$/m, 'matrix ext4', /too many arguments/),
  'matrix --json': uses(after(RUN, 'matrix --json'), /^\{\s*"format": 1,/, 'matrix --json=1', NO_VALUE),
  'matrix --markdown': uses(
    after(RUN, 'matrix --markdown'),
    /^\| /,
    'matrix --markdown --json',
    /cannot be used with/,
  ),
  'matrix --results': uses(
    after(REPORTS, 'matrix --results out'),
    /^shift-or-zero +safe$/m,
    'matrix --results nowhere',
    /no nowhere\/latest\/run\.json/,
  ),

  merge: uses(after(SHARD, MERGE), /./, 'merge nowhere', /nowhere holds no results.*--shard/),
  'merge --reporter': uses(
    { ...after(SHARD, MERGE), file: 'merged.json' },
    new RegExp(E7),
    'merge shards --reporter text,xml',
    /"xml".*text, minimal/,
  ),
  'merge --no-times': uses(
    { ...after(SHARD, MERGE), file: 'merged.json' },
    /"seconds": ?0[,\s]/,
    'merge shards --no-times=1',
    NO_VALUE,
  ),
  'merge --results': uses(
    { ...after(SHARD, MERGE), file: 'merged/latest/run.json' },
    new RegExp(E7),
    'merge shards/shard-1-of-1 --results bad.txt/x',
    /Name another folder/,
  ),

  worker: elsewhere('queue.test.ts', 'worker ext4', /too many arguments/),
  'worker --redis': elsewhere('queue.test.ts', 'worker --redis here', /redis:\/\/host/),
  'worker --workers': elsewhere('parts.test.ts', 'worker --workers 0', /1 to 1024/),

  watch: uses({ line: WATCH, status: 130, shows: /./ }, /Waiting for a change/, 'watch ext5', /"ext5"/),
  'watch --group': uses(
    { line: WATCH, status: 130, shows: /./ },
    / pass /,
    'watch b --group quik',
    /"quik".*auto, quick/,
  ),
  'watch --results': uses(
    { ...written(WATCH, 'watched/latest/run.json'), status: 130 },
    /"results"/,
    'watch b --results bad.txt/x',
    /Name another folder/,
  ),

  new: uses(NEW_FS, /Next: claim "truncate"/, 'new thing', /unknown command 'thing'/),
  'new fs': uses(NEW_FS, /Next: claim "truncate"/, 'new fs Bad', /small letters/),
  'new fs --follows': uses(
    written(NEW_FS, 'packages/fs-toyfs/src/index.ts'),
    /follows: \['v5\.15'\]/,
    'new fs other --follows v5.15,v9.9',
    /"v9\.9".*v5\.14, v5\.15/,
  ),
  'new fs --see': uses(
    written(NEW_FS, 'packages/fs-toyfs/src/index.ts'),
    /fs\/toyfs\/inode\.c/,
    "new fs other --see 'fs/*/x.c'",
    /names no kernel source.*Write/,
  ),
  'new fs --no-interactive': uses(
    NEW_FS,
    /^@fsport\/fs-toyfs:\n/,
    'new fs other --no-interactive=1',
    NO_VALUE,
  ),
  'new fs --overwrite': uses(
    after(NEW_FS, `${NEW_FS} --overwrite`),
    /fs-toyfs/,
    'new fs taken --no-run',
    /fs-taken exists.*--overwrite/,
  ),
  'new fs --no-run': uses(NEW_FS, /Next: .*npm/, 'new fs other --no-run=1', NO_VALUE),
  'new check': uses(NEW_CHECK, /run race\/read-vs-read\n$/, 'new check punch', /<area>\/<workload>/),
  'new check --group': uses(
    { before: NEW_CHECK, ...written(NEW_CHECK, 'packages/conformance/src/checks/race-read-vs-read.ts') },
    /groups: \['quick', 'auto'\]/,
    'new check race/x --group quik',
    /"quik".*auto, quick/,
  ),
  'new check --overwrite': uses(
    after(NEW_CHECK, `${NEW_CHECK} --overwrite`),
    /race-read-vs-read\.ts/,
    'new check race/taken',
    /taken\.ts exists.*--overwrite/,
  ),
  'new strategy': uses(NEW_STRATEGY, /--strategy greedy/, 'new strategy Greedy', /"Greedy"/),
  'new strategy --overwrite': uses(
    after(NEW_STRATEGY, `${NEW_STRATEGY} --overwrite`),
    /greedy\.ts/,
    'new strategy taken',
    /taken\.ts exists.*--overwrite/,
  ),

  doctor: uses(DOCTOR, /^ok +filesystem +b: fs-b .*deterministic/m, 'doctor ext4', /too many arguments/),
  'doctor --redis': uses(DOCTOR, /^ok +redis .*can be used$/m, 'doctor --redis here', /redis:\/\/host/),
  'doctor --results': uses(DOCTOR, /^ok +results +fresh can be written$/m, 'doctor --results=', NOT_EMPTY),

  selftest: elsewhere('commands.test.ts', 'selftest ext4', /too many arguments/),

  'bisect-run': uses(BISECT, / pass /, 'bisect-run b', /missing required argument 'check'/),
  'bisect-run --profile': uses(BISECT, /v5\.15/, 'bisect-run b E7 --profile=', NOT_EMPTY),
  'bisect-run --max-executions': uses(
    BISECT,
    /at most 100,?000 executions/,
    'bisect-run b E7 --max-executions 0',
    /at least 1/,
  ),
  'bisect-run --time': uses(BISECT, /300 s per check/, 'bisect-run b E7 --time 5', /30s, 5m or 4h/),
};
