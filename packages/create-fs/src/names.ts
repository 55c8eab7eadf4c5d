/** Names that a filesystem can have. */
import { UsageError } from '@fsport/core';

const NAME = /^[a-z][a-z0-9]{0,30}$/;

/** Words of the language that fit {@link NAME}. */
const RESERVED = new Set(
  (
    'arguments await break case catch class const continue debugger default delete do else enum eval export extends ' +
    'false finally for function if implements import in instanceof interface let new null package private protected ' +
    'public return static super switch this throw true try typeof undefined var void while with yield'
  ).split(' '),
);

/**
 * Refuse a name that cannot be one: it begins the functions of the model, as in the kernel (`ext4_readpage()`), and
 * stands in its tests, so it must be a word that neither the language nor the template uses.
 *
 * @param name - The name.
 * @param sources - Text of the modules of the template.
 * @throws UsageError `BAD_NAME`.
 */
export function mustBeName(name: string, sources: readonly string[]): void {
  if (/^fs-./.test(name))
    throw bad(name, `Leave out "fs-": the package is called fs-${name.slice(3)} anyway`);
  if (!NAME.test(name)) {
    const what = 'A filesystem is called as in /proc/filesystems, in small letters and digits after a letter';
    throw bad(name, `${what}, at most 31, such as ext4`);
  }
  if (RESERVED.has(name)) throw bad(name, 'It is a word of TypeScript. Choose another one');
  if (sources.some((source) => wordsOf(source).has(name))) {
    throw bad(name, 'The code of every new filesystem uses that word already. Choose another one');
  }
}

/** The identifiers of a module, without what stands in its comments and texts. */
function wordsOf(source: string): ReadonlySet<string> {
  const code = source.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`/g, ' ');
  return new Set(code.match(/[A-Za-z_$][\w$]*/g));
}

function bad(name: string, why: string): UsageError {
  return new UsageError('BAD_NAME', { name }, `"${name}" cannot be the name of a filesystem. ${why}.`);
}
