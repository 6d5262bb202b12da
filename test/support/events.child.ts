// A gateway process reduced to its spool and its shipper, to be killed: run by events.crash.test.ts.
// Arguments: data folder, database URL, where to die. Every request id that became durable is one line on stdout,
// written synchronously, so that the ledger survives the kill.
import { writeSync } from 'node:fs';
import { Logger } from '@nestjs/common';
import { ShipmentStore } from '../../src/events/shipment.store.js';
import type { Shipment, ShipResult } from '../../src/events/shipment.store.js';
import { Shipper } from '../../src/events/shipper.service.js';
import { Spool } from '../../src/events/spool.service.js';
import { anExposure, aPrediction, configOf, poolOf } from './events.js';

const [dataDir = '', url = '', dieAt = '', seed = '1'] = process.argv.slice(2);
const TURNS = 40;
const PER_TURN = 5;

function die(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Dies in the one moment in which the database knows more than the process. */
class DyingStore extends ShipmentStore {
  #shipments = 0;

  override async ship(shipment: Shipment): Promise<ShipResult> {
    const result = await super.ship(shipment);
    this.#shipments += 1;
    if (dieAt === 'after_commit' && this.#shipments > Number(seed) % 3) die();
    return result;
  }
}

Logger.overrideLogger(false);
const spool = new Spool(configOf(dataDir));
const shipper = new Shipper(spool, new DyingStore({ pool: poolOf(url) }));
if (dieAt !== 'after_write') shipper.start();
const turnToDie =
  dieAt === 'after_write' || dieAt === 'any_turn' ? 1 + ((Number(seed) * 7) % TURNS) : Infinity;

for (let turn = 1; turn <= TURNS || dieAt === 'after_commit'; turn += 1) {
  const written: Promise<void>[] = [];
  for (let index = 0; index < PER_TURN; index += 1) {
    const e = anExposure({ unitKey: `user-${turn}-${index}` });
    spool.appendPrediction(aPrediction({ requestId: e.requestId, unitKey: e.unitKey }));
    written.push(
      new Promise((done) => {
        spool.appendExposure(e, (ok) => {
          if (ok) writeSync(1, `${e.requestId}\n`);
          if (turn === turnToDie && index === PER_TURN - 1) die();
          done();
        });
      }),
    );
  }
  await Promise.all(written);
  await new Promise((done) => setTimeout(done, 5));
}
die();
