import { CpixError, membersOf, NAMESPACES, placeOf, readCertificate, textOf, type XmlElement } from '@latchkey/cpix';
import type { Faults } from './faults';
import { describeFault, type SpekeFault } from './rejection';
import type { ParseOptions } from './parse-options';

export const MAX_RECIPIENTS = 32;

export interface Recipients {
  /** Base64 DER without white space, in document order; absent: there is no DeliveryDataList. */
  readonly recipients: readonly string[] | undefined;
  readonly warnings: readonly SpekeFault[];
}

/** The certificates to encrypt for. One that cannot be used refuses the request: nobody gets keys that others could not open. */
export function readRecipients(
  list: XmlElement | undefined,
  document: XmlElement,
  options: ParseOptions,
  faults: Faults,
): Recipients {
  if (!list) {
    if (options.policy?.requireContentKeyEncryption) faults.add('CONTENT_KEY_ENCRYPTION_REQUIRED', document);
    return { recipients: undefined, warnings: [] };
  }
  const elements = membersOf(list, 'DeliveryData');
  if (elements.length === 0) faults.add('MISSING_RECIPIENT', list);
  if (elements.length > MAX_RECIPIENTS) {
    faults.add('TOO_MANY_RECIPIENTS', list, { detail: `there are ${elements.length}` });
    return { recipients: [], warnings: [] };
  }
  const warnings: SpekeFault[] = [];
  const recipients = elements.map((element) => readRecipient(element, options, warnings, faults));
  return { recipients, warnings };
}

/** DeliveryDataList anywhere but where CPIX has it: overlooking it would send clear keys to one who asked for encrypted ones. */
export function refuseMisplacedDeliveryData(element: XmlElement, faults: Faults): void {
  for (const child of element.children) {
    if (typeof child === 'string') continue;
    const inPlace = element.parent === undefined && child.namespace === NAMESPACES.cpix;
    if (child.name === 'DeliveryDataList' && !inPlace) faults.add('MISPLACED_DELIVERY_DATA', child);
    refuseMisplacedDeliveryData(child, faults);
  }
}

function readRecipient(element: XmlElement, options: ParseOptions, warnings: SpekeFault[], faults: Faults): string {
  const certificate = certificateOf(element);
  if (!certificate) {
    faults.add('MISSING_CERTIFICATE', element);
    return '';
  }
  const base64 = textOf(certificate).replace(/\s/g, '');
  try {
    const { outOfDate } = readCertificate(base64, { expired: options.policy?.expiredCertificates, now: options.now });
    if (outOfDate) warnings.push(describeWarning(outOfDate, certificate));
  } catch (error) {
    if (!(error instanceof CpixError) || !isCertificateCode(error.code)) throw error;
    faults.add(error.code, certificate, { detail: error.message });
  }
  return base64;
}

/** The first of a chain: XML Signature puts no order on them, and an encryptor sends one. */
function certificateOf(deliveryData: XmlElement): XmlElement | undefined {
  const [deliveryKey] = membersOf(deliveryData, 'DeliveryKey');
  const x509Data = deliveryKey && dsChild(deliveryKey, 'X509Data');
  return x509Data && dsChild(x509Data, 'X509Certificate');
}

function dsChild(element: XmlElement, name: string): XmlElement | undefined {
  return element.children.find(
    (child): child is XmlElement =>
      typeof child !== 'string' && child.name === name && child.namespace === NAMESPACES.ds,
  );
}

type CertificateCode = Extract<CpixError['code'], `CERTIFICATE_${string}`>;

function isCertificateCode(code: CpixError['code']): code is CertificateCode {
  return code.startsWith('CERTIFICATE_');
}

function describeWarning(outOfDate: 'expired' | 'not yet valid', certificate: XmlElement): SpekeFault {
  const code = outOfDate === 'expired' ? 'CERTIFICATE_EXPIRED' : 'CERTIFICATE_NOT_YET_VALID';
  return describeFault(code, {}, { place: placeOf(certificate) });
}
