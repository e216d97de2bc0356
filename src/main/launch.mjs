#!/usr/bin/env node
// The `rae` command. From a checkout it first brings .build up to date, so that an edited source or an added
// worker folder is what runs; in an image, where only .build is, it starts at once.
import { existsSync } from 'node:fs';

const tooling = new URL('../../test/tooling/build.mjs', import.meta.url);
if (existsSync(tooling)) {
  const { build, isStale } = await import(tooling.href);
  try {
    if (isStale()) build();
  } catch (error) {
    const isForeign = ['EACCES', 'EPERM', 'EROFS'].includes(error.code);
    const hint = isForeign ? 'run `npm run build` here once, as the user who owns this checkout\n' : '';
    process.stderr.write(`error: ${error.message}\n${hint}`);
    process.exit(1);
  }
}
await import(new URL('../../.build/src/main/rae.js', import.meta.url).href);
