import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { StoredDecisionKind } from './stored-decision.js';

/** A row of `decisions`; append-only. */
@Entity('decisions')
export class DecisionRow {
  @PrimaryColumn({ name: 'experiment_id', type: 'uuid' })
  experimentId!: string;

  @PrimaryColumn({ type: 'integer' })
  number!: number;

  @Column({ type: 'text' })
  kind!: StoredDecisionKind;

  @Column({ type: 'boolean' })
  automatic!: boolean;

  @Column({ type: 'text' })
  actor!: string;

  @Column({ type: 'text' })
  summary!: string;

  @Column({ type: 'json' })
  reasons!: object;

  @Column({ type: 'json' })
  inputs!: object;

  @Column({ name: 'policy_version', type: 'text' })
  policyVersion!: string;

  @Column({ name: 'report_number', type: 'integer', nullable: true })
  reportNumber!: number | null;

  @Column({ name: 'from_revision', type: 'integer' })
  fromRevision!: number;

  /** bigint arrives as text. */
  @Column({ name: 'config_version', type: 'bigint', nullable: true })
  configVersion!: string | null;

  @Column({ name: 'previous_hash', type: 'text' })
  previousHash!: string;

  @Column({ type: 'text' })
  hash!: string;

  @Column({ type: 'timestamptz' })
  at!: Date;
}
