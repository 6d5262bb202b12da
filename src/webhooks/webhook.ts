/** What may be told: every kind of decision, and `recommendation` for holds that ask a person to act. */
export const WEBHOOK_EVENTS = [
  'start',
  'advance',
  'hold',
  'promote',
  'rollback',
  'inconclusive',
  'error',
  'recommendation',
  'pause',
  'resume',
  'approve',
  'abort',
  'redesign',
  'close',
  'reweigh',
  'release',
] as const;

export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];

/** Which decision of the policy a webhook is asked about before it is carried out. */
export const GATE_KINDS = ['confirm-advance', 'confirm-promotion'] as const;

export type GateKind = (typeof GATE_KINDS)[number];

/** A receiver as it may be shown: never its secret. */
export interface Webhook {
  readonly name: string;
  readonly url: string;
  readonly events: readonly WebhookEvent[];
  /** Null: every model. */
  readonly models: readonly string[] | null;
  readonly gate: GateKind | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** How the delivery of one message to one receiver stands. */
export interface Delivery {
  readonly messageId: string;
  readonly type: string;
  readonly state: 'waiting' | 'delivered' | 'dead';
  readonly attempts: number;
  /** Null once it is over. */
  readonly nextAt: string | null;
  readonly lastStatus: number | null;
  readonly lastError: string | null;
  readonly deliveredAt: string | null;
  readonly createdAt: string;
}
