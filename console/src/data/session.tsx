import { createContext, type ReactNode, useCallback, useContext, useEffect, useState } from 'react';
import { api, ApiProblem, unwrap } from '../api/client.js';
import type { Session } from '../api/types.js';
import { forget } from './resource.js';

export type Scope = Extract<Session, { signedIn: true }>['scopes'][number];

interface SessionContext {
  /** Null until the server has said who we are. */
  readonly session: Session | null;
  readonly problem: ApiProblem | null;
  readonly signIn: (key: string) => Promise<void>;
  readonly signOut: () => Promise<void>;
  readonly check: () => void;
}

const Context = createContext<SessionContext | null>(null);

export function SessionProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [session, setSession] = useState<Session | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const check = useCallback(() => {
    unwrap(api.GET('/api/v1/session')).then(
      (found) => {
        setSession(found);
        setProblem(null);
      },
      (error: unknown) => {
        if (error instanceof ApiProblem) setProblem(error);
      },
    );
  }, []);
  useEffect(check, [check]);
  const signIn = useCallback(async (key: string) => {
    const opened = await unwrap(api.POST('/api/v1/session', { body: { key } }));
    forget();
    setSession(opened);
  }, []);
  const signOut = useCallback(async () => {
    setSession(await unwrap(api.DELETE('/api/v1/session')));
    forget();
  }, []);
  return <Context value={{ session, problem, signIn, signOut, check }}>{children}</Context>;
}

export function useSession(): SessionContext {
  const context = useContext(Context);
  if (context === null) throw new Error('useSession is used outside of SessionProvider');
  return context;
}

/** Whether the key may do something; where not, what it would need. */
export function useScope(needed: Scope): {
  readonly allowed: boolean;
  readonly reason: string | null;
} {
  const { session } = useSession();
  const scopes = session?.signedIn === true ? session.scopes : [];
  const allowed = scopes.includes(needed) || scopes.includes('admin');
  return { allowed, reason: allowed ? null : `Your key lacks the scope ${needed}.` };
}
