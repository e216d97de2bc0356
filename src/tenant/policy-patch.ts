/** What to change about a policy; the rest stays. A path is a field, or a field of a field: `layer_rates.working`. */
export interface PolicyPatch {
  readonly set: readonly (readonly [path: string, value: unknown])[];
  /** Taken away first; they have their default then. */
  readonly unset: readonly string[];
}

type Document = Readonly<Record<string, unknown>>;

/** `document` with the patch applied; `document` itself is not changed. */
export function patched(document: Document, { set, unset }: PolicyPatch): Document {
  const without = unset.reduce((left, path) => removed(left, path.split('.')), document);
  return set.reduce((left, [path, value]) => assigned(left, path.split('.'), value), without);
}

function assigned(document: Document, [key = '', ...deeper]: readonly string[], value: unknown): Document {
  const inner = deeper.length === 0 ? value : assigned(inside(document, key) ?? {}, deeper, value);
  return { ...document, [key]: inner };
}

function removed(document: Document, [key = '', ...deeper]: readonly string[]): Document {
  if (deeper.length > 0) {
    const inner = inside(document, key);
    return inner === undefined ? document : { ...document, [key]: removed(inner, deeper) };
  }
  return Object.fromEntries(Object.entries(document).filter(([name]) => name !== key));
}

function inside(document: Document, key: string): Document | undefined {
  const value = Object.hasOwn(document, key) ? document[key] : undefined;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Document) : undefined;
}
