/** How one way of being wrong is told, and what to do about it. */
export interface CatalogueEntry {
  /** `{name}` is replaced by a value of the request. */
  readonly text: string;
  /** One of SPEKE 2's ten texts, word for word. */
  readonly official?: true;
  /** 422 is for what is wrong in a document; in SPEKE 1 it becomes 400. */
  readonly status: number;
  readonly cause: string;
  readonly fix: string;
}

const MALFORMED_CONTRACT = { text: 'Malformed encryption contract', official: true, status: 422 } as const;
const CERTIFICATE = { status: 422 } as const;

/**
 * Everything that can be wrong with an exchange. The order of the entries is the order in which a document's faults are
 * told: SPEKE's checks from the outside in, what SPEKE has no text for after what it has one for.
 */
export const CATALOGUE = {
  UNSUPPORTED_SPEKE_VERSION: {
    text: 'Unsupported SPEKE version',
    official: true,
    status: 422,
    cause: 'X-Speke-Version is neither 1.0, 2.0 nor 2.1, is empty, or was sent twice. The body was not looked at.',
    fix: 'Send X-Speke-Version: 2.0 or 2.1 once; for SPEKE 1 send 1.0 or leave the header out.',
  },

  // The body as XML
  DOCUMENT_TOO_LARGE: {
    text: 'The document is too large',
    status: 413,
    cause: 'The body has more bytes than this server reads.',
    fix: "Ask for fewer keys in one request, or raise the limit in the server's configuration.",
  },
  EMPTY_DOCUMENT: {
    text: 'The request has no body',
    status: 422,
    cause: 'The body is empty or white space.',
    fix: 'POST one CPIX document. Something between encryptor and server may have dropped it.',
  },
  UNSUPPORTED_ENCODING: {
    text: 'The character encoding of the document is not supported',
    status: 422,
    cause:
      'The XML declaration names another encoding than the bytes have, or one that is not read. Read are UTF-8, and UTF-16 with a byte order mark.',
    fix: 'Send UTF-8, and declare UTF-8 or nothing.',
  },
  UNSUPPORTED_XML_VERSION: {
    text: 'The XML version of the document is not supported',
    status: 422,
    cause: 'The XML declaration says another version than 1.0.',
    fix: 'Send XML 1.0.',
  },
  DOCTYPE_NOT_ALLOWED: {
    text: 'A DOCTYPE is not allowed',
    status: 422,
    cause: 'The document has a document type declaration. No encryptor needs one, and attacks begin with one.',
    fix: 'Send the CPIX element without a DOCTYPE; write characters, or character references, in place of entities.',
  },
  NOT_WELL_FORMED: {
    text: 'The document is not well-formed XML',
    status: 422,
    cause:
      'The body stops being XML with namespaces at the place that is named: cut off, unescaped, of two roots, not XML.',
    fix: 'Run the body through an XML parser. If it is whole there, something on the way changes it.',
  },
  DOCUMENT_TOO_COMPLEX: {
    text: 'The document is too complex',
    status: 422,
    cause: 'It has more elements, deeper elements, more attributes or longer texts than this server reads.',
    fix: 'Ask for fewer keys in one request; if it is the number of elements, SPEKE_ELEMENT_LIMIT can be raised.',
  },
  NOT_CPIX: {
    text: 'The document is not a CPIX document',
    status: 422,
    cause:
      'The root element is not CPIX in the namespace urn:dashif:org:cpix. A CPIX element deeper down does not count.',
    fix: 'Make <cpix:CPIX xmlns:cpix="urn:dashif:org:cpix"> the root. Any prefix will do, the namespace and the spelling must match.',
  },

  // CPIX
  MISSING_CONTENT_ID: {
    text: 'Missing CPIX@contentId',
    official: true,
    status: 422,
    cause: 'A SPEKE 2 document without contentId, or with an empty one. CPIX@id, which SPEKE 1 uses, does not count.',
    fix: 'Set the resource ID in the encryptor. If the document is SPEKE 1, leave X-Speke-Version out.',
  },
  MISSING_ID: {
    text: 'Missing CPIX@id',
    status: 422,
    cause:
      'A SPEKE 1 document without id, or with an empty one. Without X-Speke-Version every document is read as SPEKE 1.',
    fix: 'Set the resource ID in the encryptor. If the document is SPEKE 2, let X-Speke-Version through to the server.',
  },
  CONTENT_ID_TOO_LONG: {
    text: 'The content ID is too long',
    status: 422,
    cause: 'The content ID has more than 1,024 bytes of UTF-8.',
    fix: 'Use a shorter resource ID.',
  },
  MISSING_CPIX_VERSION: {
    text: 'Missing CPIX@version',
    official: true,
    status: 422,
    cause: 'A SPEKE 2 document without CPIX@version, or with an empty one.',
    fix: 'Send version="2.3" under SPEKE 2.0, version="2.4" under SPEKE 2.1.',
  },
  UNSUPPORTED_CPIX_VERSION: {
    text: 'Unsupported CPIX@version',
    official: true,
    status: 422,
    cause: "CPIX@version is not the one that belongs to the request's SPEKE version.",
    fix: 'Send version="2.3" under SPEKE 2.0, version="2.4" under SPEKE 2.1.',
  },

  // ContentKeyList
  MISSING_CONTENT_KEY_LIST: {
    text: 'Missing CPIX/ContentKeyList',
    status: 422,
    cause: 'There is no ContentKeyList, or no ContentKey in it, or it is in another namespace or another place.',
    fix: 'Ask for at least one key.',
  },
  TOO_MANY_KEYS: {
    text: 'Too many content keys',
    status: 422,
    cause: 'The document asks for more than 64 keys.',
    fix: 'Ask for them in several requests with the same content ID.',
  },
  MISSING_SCHEME: {
    text: 'Missing ContentKey@commonEncryptionScheme for KID {kid}',
    official: true,
    status: 422,
    cause: 'A SPEKE 2 ContentKey without commonEncryptionScheme, or with an empty one.',
    fix: 'Set the same scheme on every ContentKey: cenc or cbcs for most systems.',
  },
  MISSING_KID: {
    text: 'Missing ContentKey@kid',
    status: 422,
    cause:
      'A ContentKey without kid, or with an empty one. An attribute cpix:kid, with a prefix, is another attribute.',
    fix: 'Give each ContentKey a kid.',
  },
  INVALID_KID: {
    text: 'ContentKey@kid is not a UUID',
    status: 422,
    cause: 'A kid that is not 8-4-4-4-12 hexadecimal digits. Case does not matter; braces, spaces, base64 do.',
    fix: 'Write the 16 bytes as a UUID. Any 128 bits are allowed.',
  },
  DUPLICATE_KID: {
    text: 'ContentKey@kid is there twice',
    status: 422,
    cause: 'Two ContentKey elements have the same kid; 0A and 0a are the same.',
    fix: 'Ask for each key once.',
  },
  UNKNOWN_SCHEME: {
    text: 'ContentKey@commonEncryptionScheme is unknown',
    status: 422,
    cause:
      'The scheme is none of cenc, cens, cbc1, cbcs, in lower case. HLS method names (AES-128, SAMPLE-AES, SAMPLE-AES-CTR) are schemes in SPEKE 2.1 only.',
    fix: 'Send one of the names; for HLS method names send SPEKE 2.1 with CPIX 2.4.',
  },
  INVALID_EXPLICIT_IV: {
    text: 'ContentKey@explicitIV is not 16 bytes in base64',
    status: 422,
    cause: 'The explicit IV is empty, not base64, or has another length.',
    fix: 'Send 16 bytes in base64, or leave the attribute out: then the server makes an IV where one is needed.',
  },
  KEY_IN_REQUEST: {
    text: 'A request must not bring key values',
    status: 422,
    cause: 'A ContentKey has a value in Data/Secret. SPEKE asks for keys; such a value is neither kept nor echoed.',
    fix: 'Leave Data out. To bring keys of your own, PUT them to /copyProtectionData/{contentId}. Treat the key as exposed.',
  },
  MIXED_SCHEMES: {
    text: 'Non compliant ContentKey@commonEncryptionScheme combination',
    official: true,
    status: 422,
    cause: 'The keys of the document have different schemes.',
    fix: 'Send one request for each scheme.',
  },

  // DRMSystemList
  MISSING_DRM_SYSTEM_LIST: {
    text: 'Missing CPIX/DRMSystemList',
    status: 422,
    cause: 'There is no DRMSystemList, or no DRMSystem in it.',
    fix: 'Name a DRM system for each key.',
  },
  MISSING_DRM_SYSTEM_KID: {
    text: 'Missing DRMSystem@kid',
    status: 422,
    cause: 'A DRMSystem without kid, or with an empty one.',
    fix: 'Give each DRMSystem the kid of its key.',
  },
  UNKNOWN_DRM_SYSTEM_KID: {
    text: 'DRMSystem@kid names no ContentKey',
    status: 422,
    cause: 'The kid of a DRMSystem is not that of a ContentKey in the document, or not a UUID.',
    fix: 'List the key under ContentKeyList, or correct the kid.',
  },
  MISSING_SYSTEM_ID: {
    text: 'Missing DRMSystem@systemId',
    status: 422,
    cause: 'A DRMSystem without systemId, or with an empty one.',
    fix: "Set the DRM system's UUID.",
  },
  INVALID_SYSTEM_ID: {
    text: 'DRMSystem@systemId is not a UUID',
    status: 422,
    cause: 'A systemId that is not 8-4-4-4-12 hexadecimal digits.',
    fix: 'Use the ID from the DASH-IF list of content protection systems.',
  },
  UNKNOWN_DRM_SYSTEM: {
    text: 'No DRM system with DRMSystem@systemId {systemId}',
    status: 422,
    cause:
      'Nothing here answers for that system in that SPEKE version. One unknown system refuses the whole request: half an answer would stop the encryptor.',
    fix: 'Correct the systemId, remove the system in the encryptor, or run a signaling service for it.',
  },
  DRM_SYSTEM_NOT_ALLOWED: {
    text: 'DRMSystem@systemId {systemId} is not allowed',
    status: 422,
    cause: "The tenant's policy lists the systems that may be asked for, and this one is not among them.",
    fix: 'Add it to policy.drmSystems of the tenant, or remove it in the encryptor.',
  },
  DUPLICATE_DRM_SYSTEM: {
    text: 'A DRMSystem is there twice',
    status: 422,
    cause: 'Two DRMSystem elements have the same kid and systemId.',
    fix: 'Ask once for each key and system.',
  },
  INVALID_PLAYLIST: {
    text: 'HLSSignalingData@playlist is neither media nor master',
    status: 422,
    cause: 'The playlist is something else than media, master or (CPIX 2.4) multiVariant.',
    fix: 'Correct the attribute; without it HLSSignalingData means the media playlist.',
  },
  DUPLICATE_PLAYLIST: {
    text: 'HLSSignalingData@playlist is there twice',
    status: 422,
    cause: 'Two HLSSignalingData of one DRMSystem are for the same playlist; master and multiVariant are the same.',
    fix: 'Ask for each playlist once.',
  },
  SCHEME_NOT_COMPATIBLE: {
    text: 'ContentKey@commonEncryptionScheme non compatible with DRMSystem {systemId}',
    official: true,
    status: 422,
    cause: 'The DRM system cannot use keys of that scheme, for example FairPlay with cenc.',
    fix: 'Use cbcs for FairPlay, cbc1 (SPEKE 2.1: AES-128) for Clear Key AES-128, cenc or cbcs for Widevine and PlayReady; or set policy.schemes of the tenant.',
  },

  // ContentKeyPeriodList and ContentKeyUsageRuleList
  MISSING_CONTRACT: {
    text: 'Missing CPIX encryption contract',
    official: true,
    status: 422,
    cause: 'There is no ContentKeyUsageRuleList, no rule in it, or no VideoFilter and no AudioFilter in any rule.',
    fix: 'Give each key a ContentKeyUsageRule with filters; MediaPackage and MediaConvert do so once presets are chosen.',
  },
  RULE_WITHOUT_KEY: {
    ...MALFORMED_CONTRACT,
    cause: 'A ContentKeyUsageRule has no kid, or one that is not that of a ContentKey in the document.',
    fix: 'Give each rule the kid of its key.',
  },
  KEY_WITHOUT_RULE: {
    ...MALFORMED_CONTRACT,
    cause: 'A ContentKey has no ContentKeyUsageRule: the contract does not say what it protects.',
    fix: 'Give each key its own rule.',
  },
  KEY_WITH_TWO_RULES: {
    ...MALFORMED_CONTRACT,
    cause: 'A ContentKey has two ContentKeyUsageRules in the same key period.',
    fix: 'Join the rules: one rule with several filters, its track types joined by +, or ALL.',
  },
  INVALID_TRACK_TYPE: {
    ...MALFORMED_CONTRACT,
    cause:
      'A rule has no intendedTrackType, an empty one, one with an empty part beside a +, or one of more than 256 characters.',
    fix: 'Name the track type, for example SD, HD, AUDIO, or SD+HD.',
  },
  DUPLICATE_TRACK_TYPE: {
    ...MALFORMED_CONTRACT,
    cause: 'Two rules of the same key period have the same intendedTrackType.',
    fix: 'Give each rule a name of its own.',
  },
  RULE_WITHOUT_FILTER: {
    ...MALFORMED_CONTRACT,
    cause: 'A rule has neither VideoFilter nor AudioFilter, while others have.',
    fix: 'Give each rule a filter; one without attributes fits all tracks of its kind.',
  },
  TOO_MANY_FILTERS: {
    ...MALFORMED_CONTRACT,
    cause: 'A rule has more filters than its intendedTrackType has parts joined by +.',
    fix: 'Name a part for each filter, for example SD+HD with two VideoFilters.',
  },
  WRONG_ALL_RULE: {
    ...MALFORMED_CONTRACT,
    cause: 'intendedTrackType ALL without exactly one VideoFilter and one AudioFilter, or with attributes on them.',
    fix: 'Send <VideoFilter/><AudioFilter/>, or another intendedTrackType.',
  },
  ALL_WITH_OTHERS: {
    ...MALFORMED_CONTRACT,
    cause: 'A rule with intendedTrackType ALL stands beside other rules of the same key period.',
    fix: 'Use one key for all tracks, or a rule for each track type, not both.',
  },
  UNSUPPORTED_FILTER: {
    ...MALFORMED_CONTRACT,
    cause:
      'A rule has a filter, or a filter an attribute, that SPEKE does not know. BitrateFilter and VideoFilter@wcg, which SPEKE ignores, are echoed.',
    fix: 'Use VideoFilter (minPixels, maxPixels, hdr, minFps, maxFps), AudioFilter (minChannels, maxChannels) and KeyPeriodFilter (periodId).',
  },
  INVALID_FILTER_VALUE: {
    ...MALFORMED_CONTRACT,
    cause: "A filter's attribute is not a whole number in decimal digits (hdr: true, false, 1 or 0), or is empty.",
    fix: 'Write whole numbers from 0.',
  },
  INVERTED_RANGE: {
    ...MALFORMED_CONTRACT,
    cause: "A filter's minimum is greater than its maximum: no track can fit.",
    fix: 'Exchange the two, or leave one out.',
  },
  CROSSING_RANGES: {
    ...MALFORMED_CONTRACT,
    cause:
      'The ranges of two rules cross: each has tracks of its own and both have some in common, often one number at the border (both ends of a range belong to it). A range inside another is fine: the encryptor takes the last rule that fits.',
    fix: 'Begin the upper range one above the end of the lower, for example maxPixels 589824 and minPixels 589825.',
  },
  UNKNOWN_PERIOD: {
    ...MALFORMED_CONTRACT,
    cause: 'A KeyPeriodFilter has no periodId, or one that is not the id of a ContentKeyPeriod in the document.',
    fix: 'List the period under ContentKeyPeriodList, or correct the periodId.',
  },
  INVALID_PERIOD: {
    text: 'A ContentKeyPeriod is not valid',
    status: 422,
    cause:
      'A ContentKeyPeriod without id or (SPEKE 2) index, with the id of another one, with an index that is not a whole number from 0 to 4294967295, or with times that are no xs:dateTime or xs:duration.',
    fix: 'Send id and index; times are optional.',
  },
  CONTRACT_NOT_SUPPORTED: {
    text: 'Requested CPIX encryption contract not supported',
    official: true,
    status: 422,
    cause: "One key would serve UHD video and audio, and the tenant's policy (refuseSharedUhdKey) does not allow that.",
    fix: 'Choose presets that give UHD a key of its own, or change the policy.',
  },

  // DeliveryDataList
  MISSING_RECIPIENT: {
    text: 'DeliveryDataList names no recipient',
    status: 422,
    cause: 'A DeliveryDataList without DeliveryData. Keys are then not sent in the clear either.',
    fix: "Add the encryptor's certificate, or leave the list out.",
  },
  MISPLACED_DELIVERY_DATA: {
    text: 'A DeliveryDataList stands in another place or namespace',
    status: 422,
    cause:
      "An element called DeliveryDataList is not a child of the root in CPIX's namespace. Whoever writes one wants encrypted keys, so clear ones are not sent.",
    fix: 'Make it a child of CPIX in the namespace urn:dashif:org:cpix.',
  },
  TOO_MANY_RECIPIENTS: {
    text: 'Too many recipients',
    status: 422,
    cause: 'The DeliveryDataList has more than 32 DeliveryData.',
    fix: 'Send several requests.',
  },
  CONTENT_KEY_ENCRYPTION_REQUIRED: {
    text: 'Content keys are only sent encrypted',
    status: 422,
    cause: "The tenant's policy requires content key encryption, and the request has no DeliveryDataList.",
    fix: 'Give the encryptor a certificate (MediaPackage, MediaConvert: certificate ARN), or change the policy.',
  },
  MISSING_CERTIFICATE: {
    text: 'A DeliveryData has no X.509 certificate',
    status: 422,
    cause:
      'DeliveryKey without ds:X509Data/ds:X509Certificate. Key names, bare key values and RetrievalMethod are not used, and nothing is fetched.',
    fix: 'Send the certificate itself, base64 DER, in the namespace http://www.w3.org/2000/09/xmldsig#.',
  },
  CERTIFICATE_UNREADABLE: {
    text: "A recipient's certificate cannot be read",
    ...CERTIFICATE,
    cause: 'X509Certificate is not the base64 of one X.509 certificate in DER.',
    fix: 'Send what stands between the BEGIN and END lines of the PEM file, without those lines.',
  },
  CERTIFICATE_IS_REQUEST: {
    text: "A recipient's certificate is a certificate request",
    ...CERTIFICATE,
    cause: 'X509Certificate holds a PKCS #10 request.',
    fix: 'Send the certificate that was issued for it.',
  },
  CERTIFICATE_NOT_RSA: {
    text: "A recipient's certificate has no RSA key",
    ...CERTIFICATE,
    cause: "SPEKE encrypts keys with RSA-OAEP; the certificate has a key of another kind, such as an elliptic curve's.",
    fix: 'Use a certificate with an RSA key of 2048 bits or more.',
  },
  CERTIFICATE_WEAK: {
    text: "A recipient's certificate has a weak RSA key",
    ...CERTIFICATE,
    cause: 'The RSA key has less than 2048 bits, or an exponent below 3.',
    fix: 'Use a certificate with an RSA key of 2048 bits or more.',
  },
  CERTIFICATE_EXPIRED: {
    text: "A recipient's certificate has expired",
    ...CERTIFICATE,
    cause: 'Its last day is past.',
    fix: "Renew it, or set expiredCertificates: warn in the tenant's policy.",
  },
  CERTIFICATE_NOT_YET_VALID: {
    text: "A recipient's certificate is not yet valid",
    ...CERTIFICATE,
    cause: 'Its first day is still to come; the clock of the server may also be wrong.',
    fix: "Wait, correct the clock, or set expiredCertificates: warn in the tenant's policy.",
  },

  // Whatever else stands in the document
  UNEXPECTED_ELEMENT: {
    text: 'An element stands where CPIX has none of that name',
    status: 422,
    cause:
      "An element in CPIX's namespace that is misspelt or in the wrong place. Elements of other namespaces are echoed.",
    fix: 'Compare with the CPIX schema.',
  },
  DUPLICATE_ELEMENT: {
    text: 'An element stands twice where CPIX allows one',
    status: 422,
    cause: 'For example two ContentKeyList, or two PSSH in one DRMSystem: which of them counts is not defined.',
    fix: 'Send it once.',
  },
  UNEXPECTED_TEXT: {
    text: 'Text stands where CPIX has only elements',
    status: 422,
    cause: 'There is text or CDATA between elements.',
    fix: 'Remove it.',
  },

  // The door
  UNAUTHENTICATED: {
    text: 'The request is not authenticated',
    status: 401,
    cause: 'No credentials, or credentials that are not those of an encryptor of this server.',
    fix: 'Check user, password, key or role, and that nothing on the way removes the header.',
  },
  FORBIDDEN: {
    text: 'The request is not allowed',
    status: 403,
    cause: 'The credentials are right but do not allow this.',
    fix: 'Ask who runs the server.',
  },
  NOT_FOUND: {
    text: 'There is nothing at this address',
    status: 404,
    cause: "The path is none of this server's, or the document that it names is not stored.",
    fix: 'POST to /copyProtection, or to /speke/v2.0/copyProtection and its like.',
  },
  METHOD_NOT_ALLOWED: {
    text: 'The method is not allowed here',
    status: 405,
    cause: 'The path is there, but not for this method.',
    fix: 'Use one of the methods of the Allow header.',
  },
  CONFLICT: {
    text: 'The request conflicts with what is stored',
    status: 409,
    cause: 'A key ID is stored with another key, or a document is there already.',
    fix: 'Use another key ID or content ID, or replace the document with If-Match.',
  },
  KEY_REVOKED: {
    text: 'A key is revoked',
    status: 422,
    cause: 'A key of the request was revoked or shredded. It is never made anew.',
    fix: 'Ask for a new key ID.',
  },
  KEY_GONE: {
    text: 'A key is no longer there',
    status: 422,
    cause: 'A key of the request is past its retention, or one of a kept document is not there any more.',
    fix: 'Ask for a new key ID. For a channel that does not rotate its keys, give its content the retention class vod before they are made: docs/keys.md.',
  },
  UNANSWERABLE: {
    text: 'The request cannot be answered',
    status: 422,
    cause:
      "A service cannot do what the document asks: for instance a content ID that cannot stand in a URL, or a track type for which the tenant's key ID override has no key.",
    fix: 'Do as the detail says.',
  },
  PRECONDITION_FAILED: {
    text: 'The stored document is another one',
    status: 412,
    cause: 'If-Match names another version than the stored one.',
    fix: 'GET the document and try again with its ETag.',
  },
  UNSUPPORTED_MEDIA_TYPE: {
    text: 'The Content-Type is not supported',
    status: 415,
    cause: 'Content-Type is not that of XML, or names a charset that is not UTF-8 or UTF-16.',
    fix: 'Send Content-Type: application/xml.',
  },
  UNSUPPORTED_CONTENT_ENCODING: {
    text: 'The Content-Encoding is not supported',
    status: 415,
    cause: 'The body is compressed in a way that is not read, or is not what Content-Encoding says.',
    fix: 'Send the body as it is.',
  },
  TOO_MANY_REQUESTS: {
    text: 'Too many requests',
    status: 429,
    cause: 'The tenant asks more often, or more at once, than its limits allow.',
    fix: "Wait as Retry-After says; raise the tenant's limits if this is its normal load.",
  },
  INTERNAL: {
    text: 'The server failed',
    status: 500,
    cause: 'A fault of this server. The log has it under the request ID.',
    fix: 'Tell who runs the server the request ID.',
  },
  UNAVAILABLE: {
    text: 'The server cannot answer now',
    status: 503,
    cause:
      'A part that is needed (key store, key management, a signaling service, the audit record) did not answer in time.',
    fix: 'Try again as Retry-After says. The same request will get the same keys.',
  },
} as const satisfies Record<string, CatalogueEntry>;

export type FaultCode = keyof typeof CATALOGUE;

/** Every code, in the order in which faults are told. */
export const FAULT_CODES = Object.keys(CATALOGUE) as FaultCode[];

const RANKS: ReadonlyMap<FaultCode, number> = new Map(FAULT_CODES.map((code, rank) => [code, rank]));

export function rankOf(code: FaultCode): number {
  return RANKS.get(code) as number;
}
