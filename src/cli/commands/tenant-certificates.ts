import { LegalHoldBook } from '../../tenant/legal-hold-book.ts';
import type { Command } from '../command.ts';
import { knownTenant } from '../known-tenant.ts';
import { argument, option, tenantId, whole } from '../option.ts';
import { table } from '../table.ts';

export const tenantCertificates: Command = {
  name: 'certificates',
  does: "Lists a tenant's deletion certificates, the newest slots first, and checks the hash of each.",
  arguments: [argument('<tenant>', 'its id', tenantId)],
  options: [option('--limit <n>', 'how many', whole(1, 10_000)).default(50)],
  examples: ['rae tenant certificates 3f2a8c54-1f7e-4c0b-9a53-0d7e2b1c9f10 --limit 100 --json'],
  run: async (call) => {
    const [id] = call.args<[string]>();
    const { limit } = call.options<{ readonly limit: number }>();
    await knownTenant(call, id);
    const certificates = await new LegalHoldBook(call.connection.tenants).certificates(id, limit);
    const columns = [
      { title: 'SLOT', value: (one: (typeof certificates)[number]) => one.slot.toISOString() },
      { title: 'CLASS', value: (one: (typeof certificates)[number]) => one.class },
      { title: 'DELETED', value: (one: (typeof certificates)[number]) => one.deleted, align: 'right' as const },
      { title: 'OLDEST', value: (one: (typeof certificates)[number]) => one.oldest.toISOString() },
      { title: 'NEWEST', value: (one: (typeof certificates)[number]) => one.newest.toISOString() },
      { title: 'INTACT', value: (one: (typeof certificates)[number]) => (one.intact ? 'yes' : 'no') },
      { title: 'HASH', value: (one: (typeof certificates)[number]) => one.hash, shrinks: true },
    ];
    return {
      json: { tenant_id: id, certificates },
      text: () => (certificates.length === 0 ? 'no certificate yet' : table(columns, certificates, call.out.look)),
      exit: certificates.every(({ intact }) => intact) ? 0 : 1,
    };
  },
};
