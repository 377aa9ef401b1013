import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CATALOGUE, FAULT_CODES, type CatalogueEntry, type FaultCode } from '../src';

const DOCUMENT = join(__dirname, '../../../docs/errors.md');

test('docs/errors.md says what the catalogue says (npm run docs:errors)', () => {
  // The page is made of the catalogue, never written by hand.
  if (process.env['UPDATE_DOCS']) writeFileSync(DOCUMENT, page());
  expect(readFileSync(DOCUMENT, 'utf8')).toBe(page());
});

function page(): string {
  const chapters = [
    ['X-Speke-Version', 'UNSUPPORTED_SPEKE_VERSION'],
    ['The body as XML', 'DOCUMENT_TOO_LARGE'],
    ['CPIX', 'MISSING_CONTENT_ID'],
    ['ContentKeyList', 'MISSING_CONTENT_KEY_LIST'],
    ['DRMSystemList', 'MISSING_DRM_SYSTEM_LIST'],
    ['ContentKeyPeriodList and ContentKeyUsageRuleList', 'MISSING_CONTRACT'],
    ['DeliveryDataList', 'MISSING_RECIPIENT'],
    ['Whatever else stands in the document', 'UNEXPECTED_ELEMENT'],
    ['The door', 'UNAUTHENTICATED'],
  ] as const;
  const starts = chapters.map(([, code]) => FAULT_CODES.indexOf(code));
  const sections = chapters.map(([title], at) => chapter(title, FAULT_CODES.slice(starts[at], starts[at + 1])));
  return [INTRODUCTION, ...sections].join('\n');
}

const INTRODUCTION = `# Errors

<!-- Made of libs/speke/src/catalogue.ts by \`npm run docs:errors\`. -->

A request that is refused gets a 4xx whose body says why. As text, the first line is the first fault's text and nothing else: SPEKE 2's own text where it has one
(marked **official** here, byte for byte). Then come all faults that were found, each with the path of the element or attribute, its line and column, and a
code. With \`Accept: application/problem+json\` the answer is an RFC 9457 problem with the same codes.

The order is that of this page. What is wrong in a document is a 422 in SPEKE 2 and a 400 in SPEKE 1. No answer says anything about the inside of the server;
5xx have a request ID, under which the log has more.
`;

function chapter(title: string, codes: readonly FaultCode[]): string {
  return `## ${title}\n\n${codes.map(entry).join('\n')}`;
}

function entry(code: FaultCode): string {
  const { text, official, status, cause, fix }: CatalogueEntry = CATALOGUE[code];
  const kind = official ? ', **official**' : '';
  return `### ${code}\n\n\`${text}\` (${status}${kind})\n\n${cause}\n\n**Fix:** ${fix}\n`;
}
