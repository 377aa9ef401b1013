import { Fault } from '@latchkey/messages';

/** Nobody answers that subject: for a DRM system's, that this system is not there. Known at once, not after a time limit. */
export class NoResponders extends Fault {
  constructor(readonly subject: string) {
    super('UNAVAILABLE', `nobody answers ${subject}`);
  }
}
