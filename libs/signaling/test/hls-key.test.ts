import { parseKeyId } from '@latchkey/cenc';
import { hlsAttributes, masterPlaylistTag, mediaPlaylistTag, type HlsKey } from '../src/index';

const KEY: HlsKey = { method: 'SAMPLE-AES', uri: 'skd://a', keyFormat: 'identity', keyFormatVersions: '1' };

describe('HLS key tags', () => {
  it('quote what RFC 8216 quotes, and nothing else; METHOD comes first', () => {
    const keyId = parseKeyId('10000000-1000-1000-1000-100000000001');
    expect(mediaPlaylistTag(hlsAttributes({ ...KEY, iv: Buffer.alloc(16, 0xab), keyId }))).toBe(
      `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://a",IV=0x${'ab'.repeat(16)},KEYID=0x10000000100010001000100000000001,` +
        'KEYFORMAT="identity",KEYFORMATVERSIONS="1"',
    );
  });

  it('differ between media and master playlist by their name only', () => {
    expect(masterPlaylistTag('METHOD=NONE').replace('#EXT-X-SESSION-KEY', '#EXT-X-KEY')).toBe(
      mediaPlaylistTag('METHOD=NONE'),
    );
  });

  it.each(['skd://"', 'skd://\n', 'skd://\r'])('are not made of text that would end them early: %j', (uri) => {
    expect(() => hlsAttributes({ ...KEY, uri })).toThrow(TypeError);
  });
});
