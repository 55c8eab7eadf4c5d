// Shows that sending, serving and receiving are separate steps, that requests overtake each other, and that who waits
// gets the reply to its own request.

import { SharedVar, sendMessage, sendReceive, type Task } from '@fsport/core';
import { expect, test } from '@jest/globals';
import { everyInterleaving, Toy } from '../toy.js';

/** A request that writes its name at the server. */
function* ask(server: SharedVar<string>, name: string, got: string[]): Task<void> {
  yield* sendMessage({
    verb: name,
    serve: () =>
      server.section('serve', () => {
        server.store(server.load() + name);
        return server.load();
      }),
    *receive(reply): Task<void> {
      yield* server.read('receive');
      got.push(`${name}:${reply}`);
    },
  });
}

test('every order of two requests is possible, of serving and of receiving', () => {
  const seen = new Set<string>();
  everyInterleaving(
    () => {
      const toy = new Toy();
      const server = new SharedVar('server', '');
      const got: string[] = [];
      const client = (function* (): Task<void> {
        yield* ask(server, 'A', got);
        yield* ask(server, 'B', got);
      })();
      return { toy, tasks: { c: client }, got };
    },
    ({ got }) => seen.add(got.join(' ')),
  );
  expect([...seen].sort()).toEqual(['A:A B:AB', 'A:BA B:B', 'B:AB A:A', 'B:B A:BA']);
});

test('who waits gets the reply to its own request', () => {
  everyInterleaving(
    () => {
      const toy = new Toy();
      const server = new SharedVar('server', 0);
      const replies: number[] = [];
      const client = function* (name: number): Task<void> {
        replies[name] = yield* sendReceive('ADD', () =>
          server.section('serve', () => {
            server.store(server.load() + 1);
            return name;
          }),
        );
      };
      return { toy, tasks: { a: client(0), b: client(1) }, replies, server };
    },
    ({ replies, server }, ending) => {
      expect([ending.kind, ...replies, server.peek()]).toEqual(['done', 0, 1, 2]);
    },
  );
});
