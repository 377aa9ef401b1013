import { escapeXmlText } from './xml-text';

/**
 * The parts of CPIX ContentProtectionData: what goes inside DASH's ContentProtection element. Each declares its own
 * namespace, because the fragment is read by itself.
 */

/**
 * ISO/IEC 23001-7, 11.2: the base64 of the whole box. The prefixed spelling is what players find: shaka-player passes over an element in a default
 * namespace. Unified Streaming asks for the other.
 */
export function psshElement(base64: string, spelling: 'prefix' | 'default-namespace' = 'prefix'): string {
  return spelling === 'prefix'
    ? `<cenc:pssh xmlns:cenc="urn:mpeg:cenc:2013">${base64}</cenc:pssh>`
    : `<pssh xmlns="urn:mpeg:cenc:2013">${base64}</pssh>`;
}

/** The base64 of the PlayReady Object beside the box: older PlayReady clients read only this. */
export function playReadyObjectElement(base64: string): string {
  return `<mspr:pro xmlns:mspr="urn:microsoft:playready">${base64}</mspr:pro>`;
}

/**
 * Where a ClearKey licence comes from, in each form that players read: DASH-IF's `laurl`, the capitalised one of its
 * later drafts (shaka-player, dash.js), and that of dash.js's own namespace.
 */
export function licenseUrlElements(url: string): string {
  const text = escapeXmlText(url);
  return (
    `<dashif:laurl xmlns:dashif="https://dashif.org/">${text}</dashif:laurl>` +
    `<dashif:Laurl xmlns:dashif="https://dashif.org/CPS">${text}</dashif:Laurl>` +
    `<clearkey:Laurl xmlns:clearkey="http://dashif.org/guidelines/clearKey" Lic_type="EME-1.0">${text}</clearkey:Laurl>`
  );
}
