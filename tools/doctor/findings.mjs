/** What a check found wrong. `warning`: it works, and will not be well for long. */
export class Complaint extends Error {
  constructor(message, { warning = false, fix } = {}) {
    super(message);
    this.warning = warning;
    this.fix = fix;
  }
}

/** A check that has nothing to look at here. */
export class NotHere extends Error {}

export function insist(holds, otherwise, options) {
  if (!holds) throw new Complaint(otherwise, options);
}

/** @typedef {{ name: string, outcome: 'ok' | 'warning' | 'failed' | 'skipped', detail: string, fix?: string }} Finding */

/** One finding for each check, whatever the check meets. */
export class Findings {
  /** @type {Finding[]} */
  list = [];

  /**
   * @param {string} name a fact, as it is when all is well
   * @param {string} fix what to do when it is not
   * @param {() => unknown} look gives what it saw; throws Complaint or NotHere
   */
  async check(name, fix, look) {
    try {
      const detail = await look();
      this.list.push({ name, outcome: 'ok', detail: typeof detail === 'string' ? detail : '' });
      return true;
    } catch (error) {
      this.list.push(findingOf(name, fix, error));
      return false;
    }
  }

  skip(name, why) {
    this.list.push({ name, outcome: 'skipped', detail: why });
  }

  count(outcome) {
    return this.list.filter((finding) => finding.outcome === outcome).length;
  }
}

function findingOf(name, fix, error) {
  if (error instanceof NotHere) return { name, outcome: 'skipped', detail: error.message };
  const detail = oneLine(error.cause?.message ? `${error.message}: ${error.cause.message}` : error.message);
  return { name, outcome: error.warning ? 'warning' : 'failed', detail, fix: error.fix ?? fix };
}

/** What a server wrote is shown on a terminal: no control characters, and not too much. */
function oneLine(text) {
  const printable = text.replace(/[^\x20-\x7e\xa0-\uffff]+/g, ' ');
  return printable.length > 300 ? `${printable.slice(0, 300)}…` : printable;
}
