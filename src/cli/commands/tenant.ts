import type { Command } from '../command.ts';
import { tenantPlace, tenantResume, tenantSetPlan, tenantSuspend } from './tenant-change.ts';
import { tenantCreate } from './tenant-create.ts';
import { tenantList } from './tenant-list.ts';
import { tenantSetShare } from './tenant-set-share.ts';
import { tenantShow } from './tenant-show.ts';

export const tenant: Command = {
  name: 'tenant',
  does: 'Makes, lists and changes tenants.',
  commands: [
    tenantCreate,
    tenantList,
    tenantShow,
    tenantSuspend,
    tenantResume,
    tenantSetPlan,
    tenantSetShare,
    tenantPlace,
  ],
};
