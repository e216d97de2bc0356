import { editDistance, nearest } from '../kernel/nearest.ts';
import { SETTINGS } from './environment.ts';
import { type Mistake, quote } from './mistake.ts';

/** Every variable that is read by its own name; `RAE_SHARD_<NAME>_URL` comes on top. */
export const KNOWN_NAMES: ReadonlySet<string> = new Set(
  Object.entries(SETTINGS).flatMap(([name, setting]) => (setting.secret ? [name, `${name}_FILE`] : [name])),
);

/** The shard and kind that a variable's name stands for: `RAE_SHARD_EU_1_URL_FILE` is shard `eu_1`, from a file. */
export function shardOfName(name: string): { readonly shard: string; readonly variable: string } | undefined {
  const match = /^(RAE_SHARD_([A-Z0-9]+(?:_[A-Z0-9]+)*)_URL)(?:_FILE)?$/.exec(name);
  return match?.[1] && match[2] ? { variable: match[1], shard: match[2].toLowerCase() } : undefined;
}

/** `RAE_SHARDS_eu-1_URI` is meant to be `RAE_SHARD_EU_1_URL`: a shard left out by a slip would leave its tenants undone. */
function nearestShard(name: string): string | undefined {
  const match = /^RAE_([^_]+)_(.+?)_([^_]+)(_FILE)?$/i.exec(name);
  const [, prefix = '', shard = '', end = '', file = ''] = match ?? [];
  if (editDistance(prefix.toUpperCase(), 'SHARD') > 1 || editDistance(end.toUpperCase(), 'URL') > 1) return undefined;
  return `RAE_SHARD_${shard.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_URL${file.toUpperCase()}`;
}

/** What is to be said about a `RAE_*` variable that no setting reads: a mistake when it looks like a slip. */
export function judgeUnknown(name: string): { readonly mistake: Mistake } | { readonly warning: string } {
  const shown = quote(name).slice(1, -1);
  // Compared without the common beginning, else short names such as RAE_PATH and RAE_DATA count as close.
  const rest = nearest(
    name.slice(4),
    [...KNOWN_NAMES].map((known) => known.slice(4)),
  );
  const right = nearestShard(name) ?? (rest === undefined ? undefined : `RAE_${rest}`);
  return right === undefined
    ? { warning: `ignored ${shown}: no setting of RAE is called so` }
    : { mistake: { name: shown, what: `is not a setting; did you mean ${right}?` } };
}
