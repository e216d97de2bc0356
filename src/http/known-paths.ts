import { RaeError } from '../kernel/errors.ts';

/** A method that a path does not have; `headers` name those that it has. */
export class MethodNotAllowed extends RaeError {
  readonly headers: Readonly<Record<string, string>>;

  constructor(method: string, allowed: readonly string[]) {
    const allow = allowed.toSorted().join(', ');
    super('RAE_METHOD_NOT_ALLOWED', `there is no ${method} here`, { hint: `there is ${allow}` });
    this.headers = { allow };
  }
}

/** The paths that are served, each with its methods: to tell a wrong method from a wrong path. */
export class KnownPaths {
  readonly #methods = new Map<string, { readonly shape: RegExp; readonly methods: string[] }>();

  /** @param path as OpenAPI writes it: `/v1/runs/{run_id}:cancel` */
  add(path: string, methods: readonly string[]): void {
    const known = this.#methods.get(path);
    if (known !== undefined) known.methods.push(...methods);
    else this.#methods.set(path, { shape: shapeOf(path), methods: [...methods] });
  }

  /** Why a request found no route. @param url with its query */
  missing(method: string, url: string): RaeError {
    const [path = ''] = url.split('?');
    const allowed = [...this.#methods.values()].find(({ shape }) => shape.test(path))?.methods;
    if (allowed !== undefined && !allowed.includes(method)) return new MethodNotAllowed(method, allowed);
    return new RaeError('RAE_NOT_FOUND', 'there is nothing here', { hint: 'see what there is in /openapi.json' });
  }
}

function shapeOf(path: string): RegExp {
  const parts = path.split(/\{\w+\}/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[^:/]+')}$`);
}
