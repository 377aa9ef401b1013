import { AtWork } from './at-work';
import type { BusAnswer, BusMessage, Subscription } from './transport';

/** Never throws. */
export type Answer = (message: BusMessage) => Promise<BusAnswer>;

/** Who answers what in one process: in each group of a subject, one after the other. */
export class Answerers {
  readonly #groups = new Map<string, Map<string, Answer[]>>();

  add(subject: string, group: string, answer: Answer): Subscription {
    const atWork = new AtWork();
    const member: Answer = async (message) => {
      atWork.begin();
      try {
        // Not in the asker's own turn: as over a network, it goes on first.
        await undefined;
        return await answer(message);
      } finally {
        atWork.end();
      }
    };
    const members = this.#members(subject, group);
    members.push(member);
    return {
      drain: async () => {
        this.#remove(subject, group, member);
        await atWork.fewerThan(1);
      },
    };
  }

  choose(subject: string): Answer[] {
    const groups = this.#groups.get(subject);
    if (!groups) return [];
    return [...groups.values()].map((members) => {
      const next = members.shift() as Answer;
      members.push(next);
      return next;
    });
  }

  #members(subject: string, group: string): Answer[] {
    const groups = this.#groups.get(subject) ?? new Map<string, Answer[]>();
    this.#groups.set(subject, groups);
    const members = groups.get(group) ?? [];
    groups.set(group, members);
    return members;
  }

  #remove(subject: string, group: string, member: Answer): void {
    const groups = this.#groups.get(subject);
    const left = groups?.get(group)?.filter((other) => other !== member) ?? [];
    if (left.length > 0) groups?.set(group, left);
    else groups?.delete(group);
    if (groups?.size === 0) this.#groups.delete(subject);
  }
}
