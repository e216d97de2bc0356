import { z } from 'zod';
import type { Caller, Operator, Principal } from '../access/principal.ts';
import type { Permission } from '../access/role.ts';
import type { Author } from '../audit/log.ts';

/** A request that has been let in and checked. */
export interface Asked<Params, Query, Body, Who extends Caller = Principal> {
  readonly principal: Who;
  readonly author: Author & { readonly requestId: string };
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** When it came. */
  readonly now: Date;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
}

/** What a route answers. */
export interface Reply {
  /** Default: that of the route. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as it is; anything else as JSON. */
  readonly body: unknown;
  /** What is kept to answer the same request again, where that is not `body`: secrets are not kept. */
  readonly kept?: unknown;
}

/** One way to call the API: the only source of what is let in, of the types of its code, and of its place in the OpenAPI document. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** As OpenAPI writes it: `/v1/runs/{run_id}:cancel`. */
  readonly path: string;
  /** One sentence. */
  readonly does: string;
  readonly permission: Permission;
  /** It looks after projects itself: else a credential that is for one project alone is refused. */
  readonly projects: boolean;
  readonly params: z.ZodType;
  readonly query: z.ZodType;
  /** Undefined = it takes none. */
  readonly body: z.ZodType | undefined;
  readonly mostBytes: number;
  /** Request headers that it reads, with what each is for. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of a right answer, and what that is. */
  readonly status: number;
  readonly answer: z.ZodType;
  /** Other statuses that are answers and no problems, with what each means. */
  readonly otherwise: Readonly<Record<number, string>>;
  /** The media type of the answer. */
  readonly media: string;
  readonly run: (asked: Asked<never, never, never, never>) => Promise<Reply>;
}

const NOTHING = z.strictObject({});
const MOST_BYTES = 256 * 1024;

type Optional = 'projects' | 'params' | 'query' | 'body' | 'mostBytes' | 'headers' | 'otherwise' | 'media';
type Given<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, Who extends Caller> = Omit<
  Route,
  Optional | 'run'
> &
  Partial<Omit<Route, 'params' | 'query' | 'body' | 'run'>> & {
    readonly params?: P;
    readonly query?: Q;
    readonly body?: B;
    readonly run: (asked: Asked<z.output<P>, z.output<Q>, z.output<B>, Who>) => Promise<Reply>;
  };

/** Declares a route of tenants; what it does not take it does not name. */
export function route<
  P extends z.ZodType = typeof NOTHING,
  Q extends z.ZodType = typeof NOTHING,
  B extends z.ZodType = z.ZodUndefined,
>(given: Given<P, Q, B, Principal>): Route {
  return whole(given);
}

/** Declares a route of operators. */
export function operatorRoute<
  P extends z.ZodType = typeof NOTHING,
  Q extends z.ZodType = typeof NOTHING,
  B extends z.ZodType = z.ZodUndefined,
>(given: Given<P, Q, B, Operator>): Route {
  return whole(given);
}

function whole<P extends z.ZodType, Q extends z.ZodType, B extends z.ZodType, Who extends Caller>(
  given: Given<P, Q, B, Who>,
): Route {
  const { params = NOTHING, query = NOTHING, body, mostBytes = MOST_BYTES, headers = {}, otherwise = {} } = given;
  const { projects = false, media = 'application/json; charset=utf-8', run } = given;
  const rest = { params, query, body, mostBytes, headers, otherwise, projects, media };
  return Object.freeze({ ...given, ...rest, run: run as unknown as Route['run'] });
}

/** The name of a route in metrics, such as `POST /v1/runs`. */
export function endpointOf({ method, path }: Pick<Route, 'method' | 'path'>): string {
  return `${method} ${path}`;
}
