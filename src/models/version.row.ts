import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';

@Entity({ name: 'versions' })
export class VersionRow {
  @PrimaryColumn({ type: 'text' })
  model!: string;

  @PrimaryColumn({ type: 'text' })
  name!: string;

  @Column({ type: 'text' })
  url!: string;

  /** Every URL when there are several; it counts only while it begins with `url`. */
  @Column({ type: 'text', array: true, nullable: true })
  urls!: string[] | null;

  @Column({ type: 'integer', name: 'max_concurrency', nullable: true })
  maxConcurrency!: number | null;

  @Column({ type: 'text', name: 'sealed_headers', nullable: true })
  sealedHeaders!: string | null;

  @Column({ type: 'text', name: 'header_names', array: true })
  headerNames!: string[];

  @Column({ type: 'integer', name: 'timeout_ms', nullable: true })
  timeoutMs!: number | null;

  @Column({ type: 'jsonb' })
  metadata!: Readonly<Record<string, unknown>>;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at' })
  updatedAt!: Date;
}
