import { Column, Entity, PrimaryColumn, UpdateDateColumn, CreateDateColumn } from 'typeorm';
import type { Holdout } from './holdout.js';
import type { ModelSettings } from './model.contract.js';

@Entity({ name: 'models' })
export class ModelRow {
  @PrimaryColumn({ type: 'text' })
  name!: string;

  /** Those of earlier releases have no attributes. */
  @Column({ type: 'jsonb' })
  settings!: ModelSettings;

  @Column({ type: 'text', nullable: true })
  champion!: string | null;

  @Column({ type: 'jsonb', nullable: true })
  holdout!: Holdout | null;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at' })
  updatedAt!: Date;
}
