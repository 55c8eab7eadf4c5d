/** One call of each command, for its help and for docs/cli.md. A test makes all of them. */

/** Command -> a call of it, as it is typed in a project that has the package of ext4. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  run: 'fsport run ext4 E7 --profile v5.15',
  list: "fsport list ext4 'pair/pread-*' --json",
  replay: "fsport replay ext4 'race/e7-zero-range-vs-read@1:p1r1' --profile v5.15",
  explain: "fsport explain ext4 'race/e7-zero-range-vs-read@1:p1r1' --profile v5.15",
  diff: "fsport diff ext4@v5.14 ext4@v5.15 'race/e7-zero-range-vs-read@1:p1r1'",
  audit: 'fsport audit ext4 E3 E7 --profile v5.15',
  matrix: 'fsport matrix',
  merge: 'fsport merge results/shard-*',
  worker: 'fsport worker --workers 2',
  new: 'fsport new fs ext2 --no-run',
  'new fs': 'fsport new fs ext2 --no-run',
  'new check': 'fsport new check race/read-vs-read --group quick,auto',
  'new strategy': 'fsport new strategy greedy',
  watch: 'fsport watch ext4',
  selftest: 'fsport selftest',
  doctor: 'fsport doctor',
  'bisect-run': 'git bisect run npx fsport bisect-run ext4 E7 --profile v5.15',
};
