import { z } from 'zod';
import { type Principal, requireProject } from '../access/principal.ts';

/** The name of a project, as routes take it. */
export const PROJECT = z
  .string()
  .min(1)
  .max(255)
  .regex(/^\P{Cc}*$/u, 'expected no control characters');

/** The project that is meant: a credential for one project alone means that one. @throws RaeError `RAE_FORBIDDEN` for another. */
export function projectOf(principal: Principal, given: string | undefined): string | undefined {
  const project = given ?? principal.project;
  requireProject(principal, project);
  return project;
}
