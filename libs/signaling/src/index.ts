export { licenseUrlElements, playReadyObjectElement, psshElement } from './content-protection-data';
export { DRM_SYSTEMS, drmSystemName, whyNotSignaled, type DrmSystem } from './drm-systems';
export {
  hlsAttributes,
  HLS_METHODS,
  masterPlaylistTag,
  mediaPlaylistTag,
  type HlsKey,
  type HlsMethod,
} from './hls-key';
export { keysInBox, schemeOf, type KeyInDocument, type Protection } from './protection';
export { answerItems, type DrmSignaling, type SignaledKey, type SignalingItemName } from './signaling-items';
export { expandUrlTemplate, type TemplateValues } from './url-template';
export { escapeXmlText } from './xml-text';
