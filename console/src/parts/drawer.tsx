import { type ReactNode, useEffect, useRef } from 'react';

interface DrawerProps {
  readonly title: string;
  readonly kind: 'drawer' | 'dialog';
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A native modal: the browser keeps the focus inside, Escape closes, and the focus goes back afterwards. */
export function Drawer({ title, kind, onClose, children }: DrawerProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    if (element === null || element.open) return;
    element.showModal();
    return () => element.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={kind}
      aria-labelledby="drawer-title"
      onClose={onClose}
      onCancel={onClose}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div className="drawer-body">
        <header className="drawer-head">
          <h2 id="drawer-title">{title}</h2>
          <button type="button" className="plain-button" onClick={onClose} aria-label="Close">
            ✕
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
