import pg from 'pg';
import { settlesWithin } from './deadline.js';

/** A half-open connection is silent for ever; this finds it, together with the time-out of the query. */
const HEARTBEAT_MS = 3_000;
const TIMEOUT_MS = 3_000;
const RETRY_FIRST_MS = 100;
const RETRY_MAX_MS = 2_000;
const CLOSE_MS = 1_000;

export interface Subscription {
  readonly channel: string;
  /** Called with '' after each (re)connect: notifications may have been missed until then. */
  readonly onNotify: (payload: string) => void;
}

/** One LISTEN on a connection of its own that notices when it is dead and comes back. */
export class Listener {
  private client: pg.Client | null = null;
  private timer: NodeJS.Timeout | null = null;
  private retryMs = RETRY_FIRST_MS;
  private closed = false;

  constructor(
    private readonly url: () => string,
    private readonly subscription: Subscription,
    private readonly onError: (error: unknown) => void,
  ) {}

  start(): void {
    void this.connect();
  }

  async close(): Promise<void> {
    this.closed = true;
    if (this.timer !== null) clearTimeout(this.timer);
    const { client } = this;
    this.client = null;
    if (client !== null) await settlesWithin(client.end(), CLOSE_MS);
  }

  private async connect(): Promise<void> {
    if (this.closed) return;
    try {
      const client = new pg.Client({
        connectionString: this.url(),
        connectionTimeoutMillis: TIMEOUT_MS,
        query_timeout: TIMEOUT_MS,
        keepAlive: true,
        application_name: `sluice-listen-${this.subscription.channel}`,
      });
      client.on('error', (error) => this.lost(client, error));
      client.on('end', () => this.lost(client, new Error('connection ended')));
      client.on('notification', ({ channel, payload }) => {
        if (channel === this.subscription.channel) this.notify(payload ?? '');
      });
      this.client = client;
      await client.connect();
      await client.query(`LISTEN ${client.escapeIdentifier(this.subscription.channel)}`);
      if (this.client !== client) return;
      this.retryMs = RETRY_FIRST_MS;
      this.notify('');
      this.beatLater(client);
    } catch (error) {
      this.lost(this.client, error);
    }
  }

  private beatLater(client: pg.Client): void {
    this.timer = setTimeout(() => {
      client.query('SELECT 1').then(
        () => {
          if (this.client === client && !this.closed) this.beatLater(client);
        },
        (error: unknown) => this.lost(client, error),
      );
    }, HEARTBEAT_MS);
  }

  private lost(client: pg.Client | null, error: unknown): void {
    // pg reports one loss several times: as an error, as an end and as a rejected query
    if (this.closed || this.client !== client) return;
    this.client = null;
    if (this.timer !== null) clearTimeout(this.timer);
    void client?.end().catch(() => undefined);
    this.onError(error);
    this.timer = setTimeout(() => void this.connect(), this.retryMs);
    this.retryMs = Math.min(RETRY_MAX_MS, this.retryMs * 2);
  }

  private notify(payload: string): void {
    try {
      this.subscription.onNotify(payload);
    } catch (error) {
      this.onError(error);
    }
  }
}
