import { useQuery } from '@tanstack/react-query';
import { UserManager, WebStorageStateStore } from 'oidc-client-ts';
import { createContext, useCallback, useContext, useEffect, useMemo, useState, type ReactNode } from 'react';
import type { SignIn } from '../../src/access/console-access';
import type { Role } from '../../src/access/principal';
import { ask, Problem, type Asking } from './api';

interface SessionAnswer {
  readonly signIn: SignIn;
  readonly principal?: {
    readonly id: string;
    readonly roles: readonly Role[];
    readonly tenants: 'all' | readonly string[];
  };
  readonly links?: { readonly traceUrl?: string };
}

export interface Session {
  readonly answer: SessionAnswer | undefined;
  readonly failed: Error | null;
  readonly token: string | undefined;
  has(role: Role): boolean;
  ask(path: string, asking?: Asking): Promise<Response>;
  signInWithToken(token: string): Promise<boolean>;
  signInWithIssuer(): Promise<void>;
  signOut(): void;
}

/** The token lives as long as the tab: in no cookie, so that no other site can use it. */
const KEPT = 'latchkey-console-token';
const Context = createContext<Session | undefined>(undefined);

export function SessionProvider({ children }: { readonly children: ReactNode }) {
  const [token, setToken] = useState(() => sessionStorage.getItem(KEPT) ?? undefined);
  const keep = useCallback((next: string | undefined) => {
    if (next === undefined) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, next);
    setToken(next);
  }, []);
  const { data: answer, error } = useQuery({
    queryKey: ['session', token],
    queryFn: async () => (await ask(token, '/v1/session')).json() as Promise<SessionAnswer>,
  });
  const failed = useIssuerCallback(answer?.signIn, keep) ?? error;

  const session = useMemo<Session>(
    () => ({
      answer,
      failed,
      token,
      has: (role) => answer?.principal?.roles.includes(role) ?? false,
      ask: async (path, asking) => {
        try {
          return await ask(token, path, asking);
        } catch (problem) {
          // The token is no longer good: back to the door.
          if (problem instanceof Problem && problem.status === 401) keep(undefined);
          throw problem;
        }
      },
      signInWithToken: async (given) => {
        const found = (await (await ask(given, '/v1/session')).json()) as SessionAnswer;
        if (found.principal) keep(given);
        return found.principal !== undefined;
      },
      signInWithIssuer: async () => issuerClient(answer?.signIn)?.signinRedirect(),
      signOut: () => keep(undefined),
    }),
    [answer, failed, token, keep],
  );
  return <Context value={session}>{children}</Context>;
}

export function useSession(): Session {
  const session = useContext(Context);
  if (!session) throw new Error('there is no SessionProvider');
  return session;
}

/** JSON of the ops API, kept fresh every `refreshMs` if given. */
export function useApi<T>(path: string | undefined, refreshMs?: number) {
  const session = useSession();
  return useQuery({
    queryKey: [path, session.token],
    queryFn: async ({ signal }) => (await session.ask(path ?? '', { signal })).json() as Promise<T>,
    enabled: path !== undefined,
    ...(refreshMs !== undefined && { refetchInterval: refreshMs }),
  });
}

/** Authorization code with PKCE, as a public client. */
function issuerClient(signIn: SignIn | undefined): UserManager | undefined {
  if (!signIn?.oidc) return undefined;
  return new UserManager({
    authority: signIn.oidc.issuer,
    client_id: signIn.oidc.clientId,
    scope: signIn.oidc.scope,
    redirect_uri: `${location.origin}/signed-in`,
    userStore: new WebStorageStateStore({ store: sessionStorage }),
    stateStore: new WebStorageStateStore({ store: sessionStorage }),
    automaticSilentRenew: false,
  });
}

/** Comes back from the issuer with a code in the address, and goes on to the overview. */
function useIssuerCallback(signIn: SignIn | undefined, keep: (token: string) => void): Error | undefined {
  const [failed, setFailed] = useState<Error>();
  useEffect(() => {
    if (location.pathname !== '/signed-in' || !signIn) return;
    issuerClient(signIn)
      ?.signinRedirectCallback()
      .then((user) => {
        history.replaceState(null, '', '/');
        dispatchEvent(new PopStateEvent('popstate'));
        keep(user.access_token);
      })
      .catch(setFailed);
  }, [signIn, keep]);
  return failed;
}
