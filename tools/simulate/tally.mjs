/** What has happened, for a line now and then. */
export class Tally {
  counts = { answered: 0, refused: 0, unexpected: 0, delivered: 0, undelivered: 0 };
  #times = [];

  constructor(say) {
    this.say = say;
  }

  observe = ({ status, ms, body }, { what, expected }) => {
    this.#times.push(ms);
    if (status === 200 && expected === 200) this.counts.answered++;
    else if (status >= 400 && status < 500 && expected === '4xx') this.counts.refused++;
    else {
      this.counts.unexpected++;
      this.say(`! ${what}: ${status || 'no answer'} ${firstLine(body)}`);
    }
  };

  played(good) {
    this.counts[good ? 'delivered' : 'undelivered']++;
  }

  line(endpoints) {
    const { answered, refused, unexpected, delivered, undelivered } = this.counts;
    const silent = endpoints.filter(({ dropped }) => dropped).length;
    const sorted = this.#times.splice(0).sort((a, b) => a - b);
    const at = (share) => (sorted.length ? `${sorted[Math.ceil(sorted.length * share) - 1].toFixed(1)} ms` : '–');
    return [
      `${endpoints.length} endpoints${silent ? ` (${silent} dropped)` : ''}`,
      `${answered} answered`,
      `${refused} refused as they should be`,
      `${unexpected} unexpected`,
      `${delivered} keys played${undelivered ? ` (${undelivered} not)` : ''}`,
      `p50 ${at(0.5)} p99 ${at(0.99)}`,
    ].join(' · ');
  }
}

function firstLine(text) {
  return text.split('\n', 1)[0].slice(0, 120);
}
