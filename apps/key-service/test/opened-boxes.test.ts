import { randomBytes } from 'node:crypto';
import { DataKey } from '../src/wrapping/data-key';
import { OpenedBoxes } from '../src/wrapping/opened-boxes';

/** Counts how often it is asked to open. */
class CountingDataKey extends DataKey {
  opened = 0;

  override open(box: Buffer, additionalData: Buffer): Buffer {
    this.opened++;
    return super.open(box, additionalData);
  }
}

describe('opened boxes', () => {
  const newKey = () => new CountingDataKey(randomBytes(32), randomBytes(32));
  const seal = (dataKey: DataKey, clear: string, to = 'bound to') => dataKey.seal(Buffer.from(clear), Buffer.from(to));

  it('are opened once, and what one caller zeroes is there for the next', () => {
    const [boxes, dataKey] = [new OpenedBoxes(10), newKey()];
    const box = seal(dataKey, 'a key');
    for (let n = 0; n < 5; n++) {
      const clear = boxes.open(dataKey, box, 'bound to');
      expect(clear.toString()).toBe('a key');
      clear.fill(0);
    }
    expect(dataKey.opened).toBe(1);
  });

  // promise 9
  it('are found by the very same box, data and data key only', () => {
    const [boxes, dataKey, other] = [new OpenedBoxes(10), newKey(), newKey()];
    const box = seal(dataKey, 'a key');
    const tampered = expect.objectContaining({ code: 'TAMPERED' });
    for (let bit = 0; bit < box.length * 8; bit++) {
      boxes.open(dataKey, box, 'bound to');
      const changed = Buffer.from(box);
      changed[bit >> 3]! ^= 1 << (bit % 8);
      expect(() => boxes.open(dataKey, changed, 'bound to')).toThrow(tampered);
    }
    expect(() => boxes.open(dataKey, box, 'bound elsewhere')).toThrow(tampered);
    expect(() => boxes.open(other, box, 'bound to')).toThrow(tampered);
    // Another key under the same name is not mistaken for it.
    expect(boxes.open(dataKey, seal(dataKey, 'another'), 'bound to').toString()).toBe('another');
  });

  it('are forgotten with their data key, and beyond so many', () => {
    const [boxes, dataKey, other] = [new OpenedBoxes(2), newKey(), newKey()];
    const [own, others] = [seal(dataKey, 'a key', 'a'), seal(other, 'b key', 'b')];
    boxes.open(dataKey, own, 'a');
    boxes.open(other, others, 'b');
    boxes.forget(dataKey);
    dataKey.dispose();
    expect(() => boxes.open(dataKey, own, 'a')).toThrow(expect.objectContaining({ code: 'UNAVAILABLE' }));
    boxes.open(other, others, 'b');
    expect(other.opened).toBe(1);
    for (const name of ['c', 'd']) boxes.open(other, seal(other, name, name), name);
    boxes.open(other, others, 'b');
    expect(other.opened).toBe(4);
  });

  it('are not kept where none may be', () => {
    const [boxes, dataKey] = [new OpenedBoxes(0), newKey()];
    const box = seal(dataKey, 'a key');
    for (let n = 0; n < 3; n++) boxes.open(dataKey, box, 'bound to');
    expect(dataKey.opened).toBe(3);
  });
});
