import type { KeyObject } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { HttpProblem } from '@latchkey/http';
import {
  DEFAULT_TENANT,
  ENCRYPTOR_RIGHTS,
  type EncryptorCredential,
  type Tenant,
  type TenantDirectory,
} from '@latchkey/tenants';
import type { Caller } from '../caller';
import { apiKeyMethod } from './api-key';
import { AuthenticationFailure } from './authentication-failure';
import { awsRoleMethod, type DoorProof } from './aws-role';
import { basicMethod } from './basic';
import { CredentialIndex } from './credential-index';
import { digestMethod } from './digest';
import { DigestNonces } from './digest-nonces';
import { encryptorName } from './encryptor-name';
import { Guesses } from './guesses';
import type { Method, Proven } from './method';
import { mutualTlsMethod } from './mutual-tls';
import { PasswordVerifier } from './password-hash';
import { sigv4Method } from './sigv4';
import { Traffic } from './traffic';

export interface DoorOptions {
  readonly proof: DoorProof;
  /** Unwraps SigV4 secrets; shared by gateways that answer under one name. */
  readonly credentialsKey: KeyObject | undefined;
  /** Let in those who show nothing, as long as the tenant `default` has no credentials. */
  readonly openToAll: boolean;
}

/** A caller, and what is left to check once the body is there. */
export interface Admission {
  readonly caller: Caller;
  readonly confirm?: Proven['confirm'];
  leave(): void;
}

type Credential = Pick<EncryptorCredential, 'id' | 'rights' | 'certificate'>;

/** Whoever comes through an open door may do everything: there is nobody else. */
const ANYBODY: Credential = { id: 'anonymous', rights: [...ENCRYPTOR_RIGHTS] };

/** Makes sure who asks, whose tenant that is, and that it does not ask too much. */
export class Door {
  readonly #methods: readonly Method[];
  readonly #guesses = new Guesses();
  readonly #traffic = new Traffic();
  #credentials: CredentialIndex;

  constructor(
    private readonly tenants: TenantDirectory,
    private readonly options: DoorOptions,
  ) {
    const passwords = new PasswordVerifier();
    // What names its method (Authorization) comes before what a connection or a proxy adds to every request.
    this.#methods = [
      sigv4Method(options.credentialsKey),
      digestMethod(new DigestNonces(options.credentialsKey)),
      basicMethod(passwords),
      awsRoleMethod(options.proof),
      apiKeyMethod(passwords),
      mutualTlsMethod(),
    ];
    this.#credentials = new CredentialIndex(tenants);
    tenants.onChange(() => (this.#credentials = new CredentialIndex(tenants)));
  }

  /** Throws AuthenticationFailure (401, 403), HttpProblem 429. */
  admit(request: FastifyRequest): Admission | Promise<Admission> {
    const method = this.#methodOf(request);
    if (!method) return this.#enter(this.#anonymous(request), ANYBODY, request);
    const claimed = method.claims(request);
    this.#refuseGuessing(request, claimed);
    try {
      const proven = method.verify(request, this.#credentials);
      if (!(proven instanceof Promise)) return this.#letIn(proven, claimed, request);
      return proven.then(
        (later) => this.#letIn(later, claimed, request),
        (error: unknown) => this.#turnAway(error, claimed, request),
      );
    } catch (error) {
      return this.#turnAway(error, claimed, request);
    }
  }

  #methodOf(request: FastifyRequest): Method | undefined {
    if (this.#credentials.isEmpty) return undefined;
    return this.#methods.find((each) => each.carries(request, this.#credentials));
  }

  #letIn({ owned, confirm }: Proven, claimed: string, request: FastifyRequest): Admission {
    const admission = this.#enter(owned.tenant, owned.credential, request);
    if (!confirm) {
      this.#guesses.succeeded(request.ip, claimed);
      return admission;
    }
    return {
      ...admission,
      confirm: (body) => {
        try {
          confirm(body);
        } catch (error) {
          this.#turnAway(error, claimed, request);
        }
        this.#guesses.succeeded(request.ip, claimed);
      },
    };
  }

  /** Without a credential there is the tenant `default`, where the configuration leaves it open. */
  #anonymous(request: FastifyRequest): Tenant {
    const tenant = this.tenants.get(DEFAULT_TENANT);
    if (this.options.openToAll && tenant?.encryptors.length === 0) return tenant;
    throw this.#challenge(
      new AuthenticationFailure(401, 'no-credentials', 'Show credentials', { guess: false }),
      request,
    );
  }

  #refuseGuessing(request: FastifyRequest, claimed: string): void {
    const waitMs = this.#guesses.waitMs(request.ip, claimed);
    if (waitMs > 0) throw tooMany('too-many-failures', 'Too many failed attempts: wait', Math.ceil(waitMs / 1_000));
  }

  #turnAway(error: unknown, claimed: string, request: FastifyRequest): never {
    if (!(error instanceof AuthenticationFailure)) throw error;
    if (error.about.guess) this.#guesses.failed(request.ip, claimed);
    throw this.#challenge(error, request);
  }

  /** RFC 9110, 15.5.2: a 401 says how it can be done better. */
  #challenge(failure: AuthenticationFailure, request: FastifyRequest): AuthenticationFailure {
    if (failure.status !== 401 || failure.headers['www-authenticate']) return failure;
    const challenges = this.#methods.flatMap((method) => method.challenges?.(request, this.#credentials) ?? []);
    const headers = challenges.length > 0 ? { 'www-authenticate': challenges } : {};
    return new AuthenticationFailure(401, failure.code, failure.detail, { ...failure.about, headers });
  }

  #enter(tenant: Tenant, { id, rights, certificate }: Credential, request: FastifyRequest): Admission {
    const { perCredential, ...limits } = tenant.limits;
    const whole = tenant.id;
    const own = `${tenant.id} ${id}`;
    const wait = this.#traffic.enter(whole, limits);
    if (wait > 0) throw tooMany('too-many-requests', 'This tenant asks too much at once: wait', wait);
    const ownWait = this.#traffic.enter(own, perCredential);
    if (ownWait > 0) {
      this.#traffic.leave(whole);
      throw tooMany('too-many-requests', 'This credential asks too much at once: wait', ownWait);
    }
    return {
      caller: {
        tenant,
        requester: { encryptorId: id, userAgent: encryptorName(request), address: request.ip },
        rights,
        certificate,
      },
      leave: () => {
        this.#traffic.leave(whole);
        this.#traffic.leave(own);
      },
    };
  }
}

function tooMany(code: string, detail: string, seconds: number): HttpProblem {
  return new HttpProblem(429, code, detail, { headers: { 'retry-after': String(seconds) } });
}
