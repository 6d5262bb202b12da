import type { ReactNode } from 'react';

export function CreatePage(): ReactNode {
  return <h1>New experiment</h1>;
}
