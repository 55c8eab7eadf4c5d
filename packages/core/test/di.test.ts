// Shows that the container that core hands on injects into decorated classes: the metadata polyfill came first.

import { container, type InjectionToken, inject, injectAll, injectable } from '@fsport/core';
import { expect, test } from '@jest/globals';

const WORD: InjectionToken<string> = Symbol('word');

@injectable()
class Words {
  readonly all: readonly string[];
  constructor(@injectAll(WORD) all: string[]) {
    this.all = all;
  }
}

@injectable()
class Sentence {
  readonly text: string;
  // By type: the container learns of the class from metadata that the compiler leaves.
  constructor(words: Words, @inject('end') end: string) {
    this.text = words.all.join(' ') + end;
  }
}

test('injects by token, all of a token, and by class', () => {
  const child = container.createChildContainer();
  for (const word of ['one', 'two']) child.register(WORD, { useValue: word });
  child.register('end', { useValue: '.' });
  expect(child.resolve(Sentence).text).toBe('one two.');
});

test('what is registered in a child does not reach the root', () => {
  container.createChildContainer().register(WORD, { useValue: 'word' });
  expect(container.isRegistered(WORD)).toBe(false);
});
