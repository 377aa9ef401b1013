/** A box of ISO/IEC 14496-12 with its place in the file. */
export interface Mp4Box {
  readonly type: string;
  /** Header included. */
  readonly bytes: Buffer;
}

const CONTAINERS: Readonly<Record<string, number>> = {
  moov: 8,
  trak: 8,
  mdia: 8,
  minf: 8,
  stbl: 8,
  stsd: 16,
  encv: 86,
  enca: 36,
  sinf: 8,
  schi: 8,
};

/** Every box of a file that is not inside one we have no use for; depth first. */
export function mp4Boxes(file: Buffer): Mp4Box[] {
  const boxes: Mp4Box[] = [];
  for (let at = 0; at + 8 <= file.length;) {
    const size = file.readUInt32BE(at);
    const bytes = file.subarray(at, at + size);
    const type = bytes.toString('latin1', 4, 8);
    boxes.push({ type, bytes });
    const header = CONTAINERS[type];
    if (header !== undefined) boxes.push(...mp4Boxes(bytes.subarray(header)));
    at += Math.max(size, 8);
  }
  return boxes;
}

/** What a protected track says of itself: ISO/IEC 23001-7, 8.2 and ISO/IEC 14496-12, 8.12.5. */
export function protectionOf(file: Buffer): { scheme: string; keyId: string; constantIv: string | undefined } {
  const boxes = mp4Boxes(file);
  const schm = boxes.find(({ type }) => type === 'schm')?.bytes;
  const tenc = boxes.find(({ type }) => type === 'tenc')?.bytes;
  if (!schm || !tenc) throw new Error('the track is not protected');
  const perSampleIvBytes = tenc[15];
  return {
    scheme: schm.toString('latin1', 12, 16),
    keyId: tenc.toString('hex', 16, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
    constantIv: perSampleIvBytes === 0 ? tenc.toString('hex', 33, 33 + (tenc[32] ?? 0)) : undefined,
  };
}
