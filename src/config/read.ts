import { environment, SETTINGS, SHARD } from './environment.ts';
import { type Given, lookUp, mistakeOf, type Variables } from './given.ts';
import { serviceOfLink, warningOfLinks } from './kubernetes.ts';
import type { Mistake } from './mistake.ts';
import { shardOfName } from './names.ts';
import { RULES } from './rules.ts';

/** Splits off what Kubernetes set: one warning per service, and the rest of the variables. */
export function withoutLinks(env: Variables): { readonly own: Variables; readonly warnings: string[] } {
  const own: Record<string, string | undefined> = {};
  const links = new Map<string, string[]>();
  for (const [name, value] of Object.entries(env)) {
    const service = serviceOfLink(name, value ?? '');
    if (service === undefined) own[name] = value;
    else links.set(service, [...(links.get(service) ?? []), name]);
  }
  return { own, warnings: [...links].map(([service, names]) => warningOfLinks(service, names.sort())) };
}

/** The URL of every further shard by its name; what is wrong is added to `mistakes`. */
export function readShards(env: Variables, mistakes: Mistake[]): Record<string, string> {
  const shards: Record<string, string> = {};
  const found = Object.keys(env).flatMap((name) => shardOfName(name) ?? []);
  for (const [variable, shard] of new Map(found.map((entry) => [entry.variable, entry.shard]))) {
    const given = lookUp(env, variable, SHARD);
    if (given === undefined) continue;
    if (shard === 'main') {
      mistakes.push({ name: variable, what: 'is not a setting; the shard main is RAE_DATABASE_URL' });
    } else if ('what' in given) {
      mistakes.push(given);
    } else {
      const issue = SHARD.schema.safeParse(given.text).error?.issues[0];
      if (issue) mistakes.push(mistakeOf(given, SHARD, issue.message));
      else shards[shard] = given.text;
    }
  }
  return shards;
}

/** The values of all settings, with the default in place of each wrong one; what is wrong is added to `mistakes`. */
export function readSettings(env: Variables, mistakes: Mistake[]) {
  const given = new Map<string, Given>();
  const wrong = new Set<string>();
  for (const [name, setting] of Object.entries(SETTINGS)) {
    const found = lookUp(env, name, setting);
    if (found === undefined) continue;
    if ('text' in found) {
      given.set(name, found);
      const issues = setting.schema.safeParse(found.text).error?.issues ?? [];
      if (issues.length === 0) continue;
      const said = setting.explains ? issues : issues.slice(0, 1);
      mistakes.push(...said.map(({ message }) => mistakeOf(found, setting, message)));
    } else {
      mistakes.push(found);
    }
    wrong.add(name);
  }
  // What is wrong is left out, so that rules between the right settings are still checked and reported with the rest.
  const right = [...given].filter(([name]) => !wrong.has(name)).map(([name, { text }]) => [name, text]);
  const values = environment.parse(Object.fromEntries(right));
  for (const { settings, broken } of Object.values(RULES)) {
    const mistake = settings.some((name) => wrong.has(name)) ? undefined : broken(values);
    if (mistake) mistakes.push(mistake);
  }
  return values;
}
