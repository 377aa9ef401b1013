// Runs in the page before anything else: stands in for Encrypted Media Extensions, accepts the key systems that the URL
// names (?accept=), and writes down what a player asks of the CDM. It decrypts nothing.
(() => {
  const accepted = (new URL(location.href).searchParams.get('accept') ?? '').split(',');
  const record = { accesses: [], requests: [], errors: [] };
  window.recordedCdm = record;

  class Session extends EventTarget {
    constructor(keySystem) {
      super();
      this.keySystem = keySystem;
      this.sessionId = '';
      this.expiration = NaN;
      this.keyStatuses = new Map();
      this.closed = new Promise(() => {});
    }
    async generateRequest(initDataType, initData) {
      record.requests.push({ keySystem: this.keySystem, initDataType, initData: base64(initData) });
      this.sessionId = `session-${record.requests.length}`;
      const message = new Event('message');
      // Of an even length: hls.js reads PlayReady's as UTF-16, and gives everything up when it cannot.
      Object.assign(message, { messageType: 'license-request', message: new Uint8Array([1, 2, 3, 4]).buffer });
      setTimeout(() => {
        this.dispatchEvent(message);
        if (this.onmessage) this.onmessage(message);
      });
    }
    async update() {}
    async close() {}
    async remove() {}
    async load() {
      return false;
    }
  }

  function access(keySystem, configuration) {
    return {
      keySystem,
      getConfiguration: () => configuration,
      createMediaKeys: async () => ({
        createSession: () => new Session(keySystem),
        setServerCertificate: async () => true,
        getStatusForPolicy: async () => 'usable',
      }),
    };
  }

  navigator.requestMediaKeySystemAccess = async (keySystem, configurations) => {
    record.accesses.push({ keySystem, schemes: schemesOf(configurations) });
    if (!accepted.includes(keySystem)) throw new DOMException('not accepted here', 'NotSupportedError');
    return access(keySystem, configurations[0]);
  };

  const decodingInfo = navigator.mediaCapabilities.decodingInfo.bind(navigator.mediaCapabilities);
  navigator.mediaCapabilities.decodingInfo = async (configuration) => {
    const { keySystemConfiguration: wanted, ...clear } = configuration;
    const info = await decodingInfo(clear);
    if (!wanted) return info;
    const schemes = [wanted.video?.encryptionScheme, wanted.audio?.encryptionScheme].filter(Boolean);
    record.accesses.push({ keySystem: wanted.keySystem, schemes });
    const supported = accepted.includes(wanted.keySystem);
    const found = { supported: info.supported && supported, smooth: true, powerEfficient: true, configuration };
    return { ...found, keySystemAccess: supported ? access(wanted.keySystem, eme(wanted)) : null };
  };

  // Chromium tells of pssh boxes. For FairPlay the test tells what Safari would: of `sinf`.
  if (accepted.includes('com.apple.fps')) {
    document.addEventListener('encrypted', (event) => event.isTrusted && event.stopImmediatePropagation(), true);
  }

  HTMLMediaElement.prototype.setMediaKeys = async function (mediaKeys) {
    this.recordedMediaKeys = mediaKeys;
  };
  Object.defineProperty(HTMLMediaElement.prototype, 'mediaKeys', {
    get() {
      return this.recordedMediaKeys ?? null;
    },
  });
  window.MediaKeys = class {};
  window.MediaKeySystemAccess = class {};

  function eme(wanted) {
    const capability = (of) => (of ? [{ contentType: of.contentType ?? '', robustness: '' }] : []);
    return {
      initDataTypes: [wanted.initDataType || 'cenc'],
      videoCapabilities: capability(wanted.video),
      audioCapabilities: capability(wanted.audio),
      sessionTypes: ['temporary'],
    };
  }

  function schemesOf(configurations) {
    const capabilities = configurations.flatMap((each) => [
      ...(each.videoCapabilities ?? []),
      ...(each.audioCapabilities ?? []),
    ]);
    return capabilities.map((each) => each.encryptionScheme).filter(Boolean);
  }

  function base64(data) {
    const bytes =
      data instanceof ArrayBuffer
        ? new Uint8Array(data)
        : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return btoa(String.fromCharCode(...bytes));
  }
})();
