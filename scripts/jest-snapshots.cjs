// Tests run from `dist-test/`, which is not kept; their snapshots belong beside the sources in `test/`.

const path = require('node:path');

module.exports = {
  resolveSnapshotPath(testPath, extension) {
    const source = testPath.replace(`${path.sep}dist-test${path.sep}`, `${path.sep}test${path.sep}`);
    return path.join(path.dirname(source), '__snapshots__', path.basename(source) + extension);
  },
  resolveTestPath(snapshotPath, extension) {
    const source = path.join(
      path.dirname(path.dirname(snapshotPath)),
      path.basename(snapshotPath, extension),
    );
    const at = source.lastIndexOf(`${path.sep}test${path.sep}`);
    return `${source.slice(0, at)}${path.sep}dist-test${path.sep}${source.slice(at + 6)}`;
  },
  testPathForConsistencyCheck: path.join('packages', 'core', 'dist-test', 'mm', 'filemap.test.js'),
};
