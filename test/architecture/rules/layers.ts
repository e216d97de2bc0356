/** The layers, lowest first; layers of one row do not know each other. */
export const RANKS: readonly (readonly string[])[] = [
  ['kernel'],
  ['config', 'observe'],
  ['db', 'redis', 'embedded'],
  ['audit'],
  ['secrets'],
  ['tenant'],
  ['access', 'queues'],
  ['ledger'],
  ['dispatch', 'fleet'],
  ['workers', 'schedule', 'transfer'],
  ['client', 'demo', 'trial'],
  ['http', 'dashboard', 'cli'],
  ['main'],
];

/** The layer a shipped file belongs to: its folder in src, or `queues` or `workers`. Undefined: to none. */
export function layerOf(path: string): string | undefined {
  const [top, folder, ...rest] = path.split('/');
  if (top === 'queues' || top === 'workers') return top;
  return top === 'src' && rest.length > 0 ? folder : undefined;
}

/** How high a layer stands, from 0; undefined for a folder the design does not have. */
export function rankOf(layer: string): number | undefined {
  const rank = RANKS.findIndex((row) => row.includes(layer));
  return rank === -1 ? undefined : rank;
}
