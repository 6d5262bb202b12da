import { type ReactNode, type SubmitEvent, useState } from 'react';
import { ApiProblem } from '../api/client.js';
import { Drawer } from './drawer.js';

interface ReasonedDialogProps {
  readonly title: string;
  /** On the button that does it. */
  readonly label: string;
  /** What will happen, before it does. */
  readonly consequence: ReactNode;
  /** False: something that it needs is not filled in. */
  readonly isComplete?: boolean;
  readonly onSend: (reason: string) => Promise<void>;
  readonly onClose: () => void;
  /** Fields of its own. */
  readonly children?: ReactNode;
}

/** Everything that changes what callers get goes through here: it says what it will do and asks for a reason and a yes. */
export function ReasonedDialog(props: ReasonedDialogProps): ReactNode {
  const { title, label, consequence, isComplete = true, onSend, onClose, children } = props;
  const [reason, setReason] = useState('');
  const [isSure, setIsSure] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const [isSending, setIsSending] = useState(false);
  const isReady = reason.trim() !== '' && isSure && isComplete && !isSending;
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    if (!isReady) return;
    setIsSending(true);
    try {
      await onSend(reason.trim());
      onClose();
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error : new ApiProblem(0, 'failed', String(error)));
      setIsSending(false);
    }
  };
  return (
    <Drawer kind="dialog" title={title} onClose={onClose}>
      <form onSubmit={(event) => void send(event)} className="form">
        <p>{consequence}</p>
        {children}
        <label className="field">
          <span>Reason, kept in the log for ever</span>
          <textarea
            value={reason}
            rows={3}
            maxLength={1000}
            required
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
        <label className="check-field">
          <input
            type="checkbox"
            checked={isSure}
            onChange={(event) => setIsSure(event.target.checked)}
          />
          <span>I want this to happen now.</span>
        </label>
        {problem !== null && <Refusal problem={problem} />}
        <div className="form-end">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button button-first" disabled={!isReady}>
            {label}
          </button>
        </div>
      </form>
    </Drawer>
  );
}

function Refusal({ problem }: { readonly problem: ApiProblem }): ReactNode {
  return (
    <div role="alert" className="field-problem">
      <p>{problem.message}</p>
      {problem.defects.map(({ field, expected, advice }) => (
        <p key={`${field ?? ''} ${expected ?? ''}`}>
          <code>{field}</code> {[expected, advice].filter((text) => text !== undefined).join(': ')}
        </p>
      ))}
    </div>
  );
}
