import { Fault, isFaultCode } from '@latchkey/messages';
import type { ThreadPort } from '@latchkey/runtime';
import type { Answer, Answerers } from './answerers';
import { faultAnswer } from './fault-headers';
import type { BusAnswer, BusMessage, EventLog, EventOptions, Hearing, Subscription } from './transport';

/** One who answers, as the other thread knows it. */
interface Member {
  readonly id: number;
  readonly subject: string;
  readonly group: string;
}
interface Hearer {
  readonly id: number;
  readonly subject: string;
  readonly options: EventOptions;
}

/**
 * Makes the hubs of two threads one bus. Who answers in one thread is known in the other before its subscription is there; a
 * request crosses only if it is answered in the other thread.
 */
export class HubLink {
  readonly #here = new Map<number, Answer>();
  readonly #there = new Map<number, Subscription>();
  #members = 0;

  constructor(
    private readonly port: ThreadPort,
    private readonly answerers: Answerers,
  ) {
    port.serve('bus.answers', ({ id, subject, group }: Member) => {
      this.#there.set(
        id,
        answerers.add(subject, group, (message) => this.#ask(id, message)),
      );
    });
    port.serve('bus.leaves', async ({ id }: Pick<Member, 'id'>) => {
      await this.#there.get(id)?.drain();
      this.#there.delete(id);
    });
    port.serve('bus.ask', ({ id, message }: { id: number; message: BusMessage }) => this.#answer(id, message));
  }

  async add(subject: string, group: string, answer: Answer): Promise<Subscription> {
    const id = ++this.#members;
    this.#here.set(id, answer);
    const here = this.answerers.add(subject, group, answer);
    await this.port.call('bus.answers', { id, subject, group } satisfies Member);
    return {
      drain: async () => {
        // The other thread's requests first: those that it has sent are answered before it says that it sends none.
        await this.port.call('bus.leaves', { id }).catch(() => undefined);
        await here.drain();
        this.#here.delete(id);
      },
    };
  }

  #ask(id: number, message: BusMessage): Promise<BusAnswer> {
    return this.port.call<BusAnswer>('bus.ask', { id, message }).catch(() => faultAnswer(gone(message.subject)));
  }

  #answer(id: number, message: BusMessage): Promise<BusAnswer> | BusAnswer {
    const answer = this.#here.get(id);
    return answer ? answer(message) : faultAnswer(gone(message.subject));
  }
}

function gone(subject: string): Fault {
  return new Fault('UNAVAILABLE', `who answers ${subject} is gone`);
}

/** Lets the other thread append to the log of this one, and hear of it. */
export function shareEventLog(port: ThreadPort, log: EventLog): void {
  const hearers = new Map<number, Subscription>();
  port.serve('bus.append', ({ id, message }: { id: string; message: BusMessage }) => log.append(id, message));
  port.serve('bus.hear', async ({ id, subject, options }: Hearer) => {
    // A thread that is gone has heard nothing.
    const handle = ({ text: _written, ...message }: BusMessage) =>
      port.call<Hearing>('bus.event', { id, message }).catch((): Hearing => 'again');
    hearers.set(id, await log.hear(subject, options, handle));
  });
  port.serve('bus.deafen', async ({ id }: Pick<Hearer, 'id'>) => {
    await hearers.get(id)?.drain();
    hearers.delete(id);
  });
}

/** The event log of the other thread. */
export class DistantEventLog implements EventLog {
  readonly #hearers = new Map<number, (message: BusMessage) => Promise<Hearing>>();
  #count = 0;

  constructor(private readonly port: ThreadPort) {
    port.serve('bus.event', ({ id, message }: { id: number; message: BusMessage }) => {
      return this.#hearers.get(id)?.(message) ?? 'again';
    });
  }

  append(id: string, message: BusMessage): Promise<void> {
    return this.port
      .call<void>('bus.append', { id, message })
      .catch(({ code = '', message: why }: Error & { code?: string }) => {
        throw new Fault(isFaultCode(code) ? code : 'UNAVAILABLE', why);
      });
  }

  async hear(
    subject: string,
    options: EventOptions,
    handle: (message: BusMessage) => Promise<Hearing>,
  ): Promise<Subscription> {
    const id = ++this.#count;
    this.#hearers.set(id, handle);
    await this.port.call('bus.hear', { id, subject, options } satisfies Hearer);
    return {
      drain: async () => {
        await this.port.call('bus.deafen', { id }).catch(() => undefined);
        this.#hearers.delete(id);
      },
    };
  }
}
