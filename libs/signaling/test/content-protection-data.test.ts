import {
  escapeXmlText,
  expandUrlTemplate,
  licenseUrlElements,
  playReadyObjectElement,
  psshElement,
} from '../src/index';

describe('ContentProtectionData', () => {
  it.each([
    psshElement('Ym94'),
    psshElement('Ym94', 'default-namespace'),
    playReadyObjectElement('b2JqZWN0'),
    licenseUrlElements('https://a.example/?a&b'),
  ])('declares every namespace in the fragment itself: %s', (fragment) => {
    for (const [, prefix] of fragment.matchAll(/<(\w+):/g)) expect(fragment).toContain(` xmlns:${prefix}="`);
    for (const [element] of fragment.matchAll(/<\w+[ >]/g)) expect(`${element}${fragment}`).toContain('xmlns="');
  });

  it('is escaped once', () => {
    expect(escapeXmlText('a&b<c>d\re&amp;')).toBe('a&amp;b&lt;c&gt;d&#xD;e&amp;amp;');
  });
});

describe('URL templates', () => {
  it('leave alone what is no placeholder, and what a value holds', () => {
    expect(expandUrlTemplate('{base}/{a}/{b}', { base: 'https://x', a: '{b}$&' })).toBe('https://x/%7Bb%7D%24%26/{b}');
  });

  it('have no URL for a value that is a step in the path', () => {
    expect(expandUrlTemplate('https://x/{a}', { a: '..' })).toBeUndefined();
    expect(expandUrlTemplate('https://x/{a}', { a: '...' })).toBe('https://x/...');
  });
});
