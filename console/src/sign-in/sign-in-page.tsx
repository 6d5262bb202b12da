import { type SubmitEvent, type ReactNode, useState } from 'react';
import { ApiProblem } from '../api/client.js';
import { useSession } from '../data/session.js';

/** One field. The key goes to the server once and comes back as a cookie that no script can read. */
export function SignInPage(): ReactNode {
  const { signIn } = useSession();
  const [key, setKey] = useState('');
  const [problem, setProblem] = useState<string | null>(null);
  const [isSending, setIsSending] = useState(false);
  const send = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    setIsSending(true);
    try {
      await signIn(key);
    } catch (error) {
      setProblem(error instanceof ApiProblem ? error.message : 'it did not work');
      setIsSending(false);
    }
  };
  return (
    <main className="sign-in">
      <title>Sign in · Sluice</title>
      <form onSubmit={(event) => void send(event)} className="form">
        <h1>Sluice</h1>
        <p className="muted">
          Versions of your models promote themselves on evidence. Sign in to see what they are at.
        </p>
        <label className="field">
          <span>API key</span>
          <input
            type="password"
            value={key}
            autoComplete="current-password"
            required
            onChange={(event) => setKey(event.target.value)}
          />
        </label>
        {problem !== null && (
          <p role="alert" className="field-problem">
            {problem}
          </p>
        )}
        <button
          type="submit"
          className="button button-first"
          disabled={isSending || key.trim() === ''}
        >
          Sign in
        </button>
        <p className="muted">
          The first start prints an admin key; others come from <code>POST /api/v1/keys</code>. A
          key that may only read sees everything and changes nothing.
        </p>
      </form>
    </main>
  );
}
