import type { Catalogue } from '../../fleet/catalogue.ts';
import { RaeError } from '../../kernel/errors.ts';
import { HealthServer } from '../../observe/health-server.ts';
import { Metrics } from '../../observe/metrics.ts';
import type { FleetProgress } from './progress.ts';

/** Says of the whole fleet what each process says of itself: not ready until there is `progress` to be seen. */
export class UpHealth {
  readonly #server: HealthServer;
  progress: FleetProgress | undefined;

  constructor({ names }: Pick<Catalogue, 'names'>) {
    const metrics = new Metrics({ workers: names, plans: [] });
    this.#server = new HealthServer({
      live: () => ({ ok: true, says: 'it supervises' }),
      checks: { postgres: async () => this.#postgres() },
      metrics: () => metrics.text(),
    });
  }

  /** @param port 0 takes any free one. @throws RaeError `RAE_PORT_IN_USE` */
  async serve(port: number): Promise<{ readonly port: number; stop(): Promise<void> }> {
    try {
      return await this.#server.start({ port, host: '127.0.0.1' });
    } catch (error) {
      if (!(error instanceof RaeError)) throw error;
      throw new RaeError(error.code, error.message, { hint: 'choose another --port, or 0 for any free one' });
    }
  }

  async #postgres() {
    if (this.progress === undefined) return { ok: false, says: 'it is being started' };
    return { ok: true, says: `${await this.progress.tenants()} tenants` };
  }
}
