import { type ReactNode, useState } from 'react';
import { api, ApiProblem, unwrap } from '../api/client.js';
import type { Decision, DecisionLog, Design, Replay } from '../api/types.js';
import { decision as decisionQuestion } from '../data/questions.js';
import { useResource } from '../data/resource.js';
import { moment } from '../format/time.js';
import { Chip } from '../parts/chip.js';
import { Drawer } from '../parts/drawer.js';
import { Shown } from '../parts/states.js';
import { Checklist } from './checklist.js';
import { toneOfKind } from './decisions-log.js';
import { RuleNumbers } from './rule-numbers.js';

interface WhyDrawerProps {
  readonly log: DecisionLog;
  readonly kind: Design['kind'];
  readonly number: number;
  readonly onClose: () => void;
}

/** Why a decision was taken: what it saw, which rule spoke, and that it comes out the same again. */
export function WhyDrawer({ log, kind, number, onClose }: WhyDrawerProps): ReactNode {
  const decision = log.decisions.find((known) => known.number === number);
  if (decision === undefined) return null;
  const trace = decision.reasons.trace ?? [];
  const spoke = trace.at(-1);
  return (
    <Drawer kind="drawer" title={`Why decision ${number}?`} onClose={onClose}>
      <p>
        <Chip tone={toneOfKind(decision.kind)}>{decision.kind}</Chip>{' '}
        <span className="muted">{moment(decision.atMs)}</span>
      </p>
      <p className="why-summary">{decision.summary}</p>
      <p className="muted">
        {decision.automatic
          ? `Decided by the policy, version ${decision.policyVersion}, on report ${decision.reportNumber ?? '–'}.`
          : `Decided by ${decision.actor}.`}
        {decision.configVersion === null
          ? ' Traffic did not change.'
          : ` Traffic changed with config version ${decision.configVersion}.`}
      </p>
      {spoke !== undefined && (
        <RuleNumbers rule={spoke} source={`decision#/reasons/trace/${trace.length - 1}`} />
      )}
      {trace.length > 0 && (
        <>
          <h3>Rules in order</h3>
          <p className="muted">The first rule that does not pass decides.</p>
          <Checklist
            rules={trace}
            metrics={[]}
            isTrace
            kind={kind}
            source="decision#/reasons/trace"
          />
        </>
      )}
      <ReplayButton decision={decision} />
      <ChainPosition log={log} decision={decision} />
      <Inputs decision={decision} />
    </Drawer>
  );
}

type ReplayState =
  | { readonly kind: 'idle' | 'asking' }
  | { readonly kind: 'done'; readonly result: Replay }
  | { readonly kind: 'failed'; readonly message: string };

function ReplayButton({ decision }: { readonly decision: Decision }): ReactNode {
  const [state, setState] = useState<ReplayState>({ kind: 'idle' });
  const replay = (): void => {
    const { experimentId: experiment, number } = decision;
    setState({ kind: 'asking' });
    unwrap(
      api.POST('/api/v1/experiments/{experiment}/decisions/{number}/replay', {
        params: { path: { experiment, number } },
      }),
    ).then(
      (result) => setState({ kind: 'done', result }),
      (error: unknown) =>
        setState({
          kind: 'failed',
          message: error instanceof ApiProblem ? error.message : 'failed',
        }),
    );
  };
  return (
    <div className="replay">
      <h3>Replay</h3>
      <button type="button" className="button" onClick={replay} disabled={state.kind === 'asking'}>
        Decide again from the stored inputs
      </button>
      <div role="status">
        {state.kind === 'failed' && <Chip tone="bad">{state.message}</Chip>}
        {state.kind === 'done' && (
          <p>
            <Chip tone={state.result.identical ? 'good' : 'bad'}>
              {state.result.identical ? 'Identical, to the last digit' : 'Different'}
            </Chip>{' '}
            {state.result.replayed === null
              ? 'A person decided: there is nothing to compute; the hash fits.'
              : `${state.result.replayed.kind}: ${state.result.replayed.summary}`}
          </p>
        )}
      </div>
    </div>
  );
}

function ChainPosition({
  log,
  decision,
}: {
  readonly log: DecisionLog;
  readonly decision: Decision;
}): ReactNode {
  return (
    <>
      <h3>Place in the log</h3>
      <p>
        Decision {decision.number} of {log.decisions.length}.{' '}
        {log.chain.intact ? 'The chain is intact.' : 'The chain is broken.'}
      </p>
      <dl className="hashes">
        <dt>previous</dt>
        <dd>{decision.previousHash}</dd>
        <dt>this one</dt>
        <dd>{decision.hash}</dd>
      </dl>
    </>
  );
}

function Inputs({ decision }: { readonly decision: Decision }): ReactNode {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <details onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>Inputs, everything it was computed from (JSON)</summary>
      {isOpen && <InputsJson decision={decision} />}
    </details>
  );
}

function InputsJson({ decision }: { readonly decision: Decision }): ReactNode {
  const whole = useResource(decisionQuestion(decision.experimentId, decision.number));
  return (
    <Shown of={whole} what="the inputs" lines={6}>
      {({ inputs }) => (
        <pre className="json" tabIndex={0} aria-label="Inputs as JSON">
          {JSON.stringify(inputs, null, 2)}
        </pre>
      )}
    </Shown>
  );
}
