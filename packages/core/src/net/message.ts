/**
 * Requests to a server and its replies.
 *
 * A request that was sent is a task of its own: it is served when the server gets to it, and what its reply causes
 * happens when the reply arrives. So sending, serving and receiving are separate steps, and requests overtake each
 * other, as they do at a server with several threads.
 *
 * @departs A connection carries its messages in order; the server answers in any. Here they may be reordered on the way
 *   as well, which shows nothing that a server could not do, unless the protocol promises an order: then who relies on it
 *   waits for the reply.
 * @departs Nothing is lost, and no connection breaks.
 * @see fs/cifs/transport.c, net/ceph/messenger.c (v5.15)
 */
import { Completion, complete, waitForCompletion } from '../locking/wait.js';
import { LOCAL } from '../sched/access.js';
import { current } from '../sched/current.js';
import { Step, type Task } from '../sched/task.js';

/** A request. */
export interface Message<T> {
  /** What it asks for, in the spelling of the protocol: `SMB2_READ`. */
  readonly verb: string;
  /** What the server does. */
  readonly serve: () => Task<T>;
  /** What the reply causes, at who sent the request. */
  readonly receive: (reply: T) => Task<void>;
}

/** Announces a request; touches nothing shared. */
class Send extends Step<void> {
  constructor(verb: string) {
    super(null, LOCAL, `send ${verb}`);
  }
  protected perform(): void {}
}

/**
 * Send a request.
 *
 * @context May be preempted. Does not wait for the reply.
 */
export function* sendMessage<T>(message: Message<T>): Task<void> {
  yield* new Send(message.verb);
  postMessage(message);
}

/**
 * Send a request as part of the step in progress, which captures what is sent.
 *
 * @context The reply comes at any time from now on.
 */
export function postMessage<T>({ verb, serve, receive }: Message<T>): void {
  current.spawn(verb, answered(serve, receive));
}

function* answered<T>(serve: Message<T>['serve'], receive: Message<T>['receive']): Task<void> {
  yield* receive(yield* serve());
}

/**
 * Send a request and wait for its reply.
 *
 * @param verb - What it asks for.
 * @param serve - What the server does.
 * @returns The reply.
 * @context Sleeps.
 */
export function* sendReceive<T>(verb: string, serve: () => Task<T>): Task<T> {
  const done = new Completion(`reply to ${verb}`);
  const replies: T[] = [];
  const receive = (reply: T): Task<void> => {
    replies.push(reply);
    return complete(done);
  };
  yield* sendMessage({ verb, serve, receive });
  yield* waitForCompletion(done);
  return replies[0] as T;
}
