const MASK = '••••••••';

/**
 * The document with every clear key of it masked, whatever else is wrong with the document. Lines stay lines, so that
 * places still fit.
 */
export function maskSecrets(document: string): string {
  return document.replace(PLAIN_VALUE, (_, open: string, content: string, close: string) => {
    const lines = content.split('\n').length - 1;
    return `${open}${MASK}${'\n'.repeat(lines)}${close}`;
  });
}

/** RFC 6030 PlainValue, under any prefix; without its end tag, all that follows. */
const PLAIN_VALUE = /(<(?:[^\s<>/:]+:)?PlainValue(?:\s[^>]*)?>)([\s\S]*?)(<\/(?:[^\s<>/:]+:)?PlainValue\s*>|$)/gi;
