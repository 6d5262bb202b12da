import { Global, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { Database } from './database.service.js';
import type { Row } from './database.service.js';

@Module({})
class DatabaseRows {}

/** One database for the whole application; every module may inject `Database`. */
@Global()
@Module({ providers: [Database], exports: [Database] })
export class DatabaseModule {
  /** Makes the rows of the importing module known to TypeORM, before the connection is made. */
  static rows(rows: readonly Row[]): DynamicModule {
    return {
      module: DatabaseRows,
      imports: [DatabaseModule],
      exports: [DatabaseModule],
      providers: [
        {
          provide: Symbol('rows'),
          inject: [Database],
          useFactory: (database: Database): readonly Row[] => {
            database.addRows(rows);
            return rows;
          },
        },
      ],
    };
  }
}
