import { runService } from '../fleet/service-process.ts';
import { openApiProcess } from '../http/api-process.ts';
import { processParts } from './parts.ts';

/** Runs the API in this process. @returns its exit code. */
export async function runApi(elseAnyPort: boolean): Promise<number> {
  const { parts, warnings } = await processParts();
  return runService('api', parts, warnings, () => openApiProcess(parts, elseAnyPort));
}
