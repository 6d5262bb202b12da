import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Assessment } from '../statistics/assessment.js';
import type { Evidence } from './evidence.js';

/** A row of `reports`; written once, never changed. */
@Entity('reports')
export class ReportRow {
  @PrimaryColumn({ name: 'experiment_id', type: 'uuid' })
  experimentId!: string;

  @PrimaryColumn({ type: 'integer' })
  number!: number;

  @Column({ type: 'integer' })
  epoch!: number;

  @Column({ type: 'timestamptz' })
  at!: Date;

  @Column({ type: 'json' })
  evidence!: Evidence;

  @Column({ type: 'json' })
  assessment!: Assessment;
}
