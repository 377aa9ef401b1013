import type { Deadline } from '@latchkey/bus';
import { Fault } from '@latchkey/messages';
import type { KeyStore } from '../store/key-store';
import type { Wrapped } from '../store/stored-key';
import type { KeyWrapper } from './key-wrapper';

/** In whose name the service's own secrets are kept: no tenant's (a tenant's name begins otherwise). */
export const SERVICE_TENANT = '_service';

/** Secrets that all processes of the key service share, wrapped in the store as keys are. */
export class SecretVault {
  constructor(
    private readonly store: KeyStore,
    private readonly wrapper: KeyWrapper,
  ) {}

  /** The caller zeroes what it gets. Throws Fault TAMPERED, UNAVAILABLE. */
  async get(tenant: string, name: string, deadline: Deadline): Promise<Buffer | undefined> {
    const wrapped = await this.store.getSecret(tenant, name, deadline);
    return wrapped && this.#unwrap(tenant, name, wrapped, deadline);
  }

  /** The one that is there, or `make`'s if there is none: whoever comes second gets the first one's. */
  async getOrCreate(tenant: string, name: string, make: () => Buffer, deadline: Deadline): Promise<Buffer> {
    const known = await this.get(tenant, name, deadline);
    if (known) return known;
    const made = make();
    if (await this.create(tenant, name, made, deadline)) return made;
    made.fill(0);
    const other = await this.get(tenant, name, deadline);
    if (!other) throw new Fault('UNAVAILABLE', 'a secret came and went');
    return other;
  }

  /** Throws Fault TAMPERED for what does not unwrap here, UNAVAILABLE. */
  async check(tenant: string, name: string, wrapped: Wrapped, deadline: Deadline): Promise<void> {
    (await this.#unwrap(tenant, name, wrapped, deadline)).fill(0);
  }

  /** False if there is one. The bytes stay the caller's. */
  async create(tenant: string, name: string, secret: Buffer, deadline: Deadline): Promise<boolean> {
    const clear = { bytes: secret, additionalData: additionalData(tenant, name) };
    const [wrapped] = await this.wrapper.wrap({ tenant, purpose: 'secret' }, [clear], deadline);
    return this.store.createSecret(tenant, name, wrapped as Wrapped, deadline);
  }

  #unwrap(tenant: string, name: string, wrapped: Wrapped, deadline: Deadline): Promise<Buffer> {
    return this.wrapper.unwrap({ tenant, purpose: 'secret' }, wrapped, additionalData(tenant, name), deadline);
  }
}

function additionalData(tenant: string, name: string): string {
  return JSON.stringify(['latchkey secret', 1, tenant, name]);
}
