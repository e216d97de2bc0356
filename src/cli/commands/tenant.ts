import type { Command } from '../command.ts';
import { tenantCertificates } from './tenant-certificates.ts';
import { tenantPlace, tenantResume, tenantSetPlan, tenantSuspend } from './tenant-change.ts';
import { tenantCreate } from './tenant-create.ts';
import { tenantExport } from './tenant-export.ts';
import { tenantHold, tenantHolds, tenantRelease } from './tenant-hold.ts';
import { tenantImport } from './tenant-import.ts';
import { tenantList } from './tenant-list.ts';
import { tenantSetQuota } from './tenant-set-quota.ts';
import { tenantSetShare } from './tenant-set-share.ts';
import { tenantShow } from './tenant-show.ts';

export const tenant: Command = {
  name: 'tenant',
  does: 'Makes, lists and changes tenants, and takes their data in and out.',
  commands: [
    tenantCreate,
    tenantList,
    tenantShow,
    tenantSuspend,
    tenantResume,
    tenantSetPlan,
    tenantSetShare,
    tenantSetQuota,
    tenantPlace,
    tenantHold,
    tenantHolds,
    tenantRelease,
    tenantCertificates,
    tenantImport,
    tenantExport,
  ],
};
