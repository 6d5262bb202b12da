import { lazy, type ReactNode, Suspense, useEffect } from 'react';
import { startLive, useLive } from './data/live.js';
import { useSession } from './data/session.js';
import { ExperimentPage } from './experiment/experiment-page.js';
import { ExperimentsPage } from './experiments/experiments-page.js';
import { FleetPage } from './fleet/fleet-page.js';
import { clock } from './format/time.js';
import { ModelPage } from './model/model-page.js';
import { Empty, Failure } from './parts/states.js';
import type { Route } from './router/paths.js';
import { Link, useRoute } from './router/route.js';
import { SignInPage } from './sign-in/sign-in-page.js';

const CreatePage = lazy(async () => {
  const { CreatePage: component } = await import('./create/create-page.js');
  return { default: component };
});

export function App(): ReactNode {
  const { session, problem } = useSession();
  if (session === null) {
    return problem === null ? null : <Failure problem={problem} what="the console" />;
  }
  return session.signedIn ? <SignedIn name={session.name} /> : <SignInPage />;
}

function SignedIn({ name }: { readonly name: string }): ReactNode {
  const route = useRoute();
  useEffect(startLive, []);
  return (
    <>
      <a href="#content" className="skip">
        Skip to content
      </a>
      <TopBar route={route} name={name} />
      <ConnectionBanner />
      <main id="content" tabIndex={-1}>
        <Suspense fallback={<div className="waiting" />}>{pageOf(route)}</Suspense>
      </main>
    </>
  );
}

function pageOf(route: Route): ReactNode {
  switch (route.page) {
    case 'fleet':
      return <FleetPage />;
    case 'experiments':
      return <ExperimentsPage />;
    case 'experiment':
      return <ExperimentPage key={route.ref} reference={route.ref} />;
    case 'model':
      return <ModelPage key={route.name} name={route.name} />;
    case 'new':
      return <CreatePage />;
    case 'unknown':
      return (
        <Empty title="There is nothing at this address">
          <Link to="/">To the fleet</Link>
        </Empty>
      );
  }
}

function TopBar({ route, name }: { readonly route: Route; readonly name: string }): ReactNode {
  const { signOut } = useSession();
  const isFleet = route.page === 'fleet' || route.page === 'model';
  const isExperiments = route.page === 'experiments' || route.page === 'experiment';
  return (
    <header className="top">
      <Link to="/" className="wordmark">
        Sluice
      </Link>
      <nav aria-label="Main">
        <Link to="/" current={isFleet}>
          Fleet
        </Link>
        <Link to="/experiments" current={isExperiments}>
          Experiments
        </Link>
        <Link to="/new" current={route.page === 'new'}>
          New
        </Link>
        <a href="/api/docs">API</a>
      </nav>
      <div className="who-am-i">
        <LiveSign />
        <span className="muted">{name}</span>
        <button type="button" className="plain-button" onClick={() => void signOut()}>
          Sign out
        </button>
      </div>
    </header>
  );
}

const SIGNS = {
  live: 'live',
  connecting: 'connecting',
  lost: 'disconnected',
  away: 'no database',
} as const;

function LiveSign(): ReactNode {
  const { connection } = useLive();
  return (
    <span className={`live live-${connection}`} role="status">
      {SIGNS[connection]}
    </span>
  );
}

/** Over the page, so that nothing moves when it comes and goes. */
function ConnectionBanner(): ReactNode {
  const { connection, lostAtMs } = useLive();
  if (connection !== 'lost' && connection !== 'away') return null;
  const since = lostAtMs === null ? '' : ` since ${clock(lostAtMs)}`;
  return (
    <p className="banner" role="alert">
      {connection === 'lost'
        ? `Disconnected${since}. You see what was known then; the connection is being tried again.`
        : `The server cannot reach its database${since}. Predictions go on; figures here stand still.`}
    </p>
  );
}
