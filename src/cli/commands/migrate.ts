import { migrate as bringUpToDate, type MigrationReport } from '../../db/migrate.ts';
import type { Command } from '../command.ts';

export const migrate: Command = {
  name: 'migrate',
  does: 'Brings the database of every shard to the schema of this release; safe to repeat and from several places at once.',
  examples: ['rae migrate', 'RAE_DATABASE_URL=postgres://owner@db/rae rae migrate --json'],
  run: async (call) => {
    const schema = call.ports.schemaOf(await call.catalogue);
    const shards: (MigrationReport & { readonly shard: string })[] = [];
    for (const [shard, database] of call.connection.shards('owner').all) {
      shards.push({ shard, ...(await bringUpToDate(database, schema)) });
    }
    return {
      json: { shards },
      text: () =>
        shards
          .flatMap(({ shard, migrations, functions }) => {
            if (migrations.length + functions.length === 0) return [`${shard}: already up to date`];
            return [
              ...migrations.map((name) => `${shard}: applied ${name}`),
              `${shard}: ${functions.length} functions installed`,
            ];
          })
          .join('\n'),
    };
  },
};
