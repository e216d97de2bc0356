import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Caller } from '../access/principal.ts';
import { messageOf, RaeError } from '../kernel/errors.ts';
import { TooManyCalls } from './call-admission.ts';
import { compressed } from './compression.ts';
import { letIn } from './entrance.ts';
import { KnownPaths, MethodNotAllowed } from './known-paths.ts';
import { openApi } from './open-api.ts';
import { problemOf } from './problem.ts';
import { askedOf } from './request.ts';
import { endpointOf, type Reply, type Route } from './route.ts';
import type { ServerParts } from './server-parts.ts';
import { strictJson } from './strict-json.ts';

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
const NONE = 'none';
const HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
/** A client has so long to send a request, and may keep an idle connection for so long. */
const REQUEST_MS = 30_000;
const IDLE_MS = 72_000;

/** The API of the fleet: lets in, checks, calls the route, answers; every error is a problem document. */
export class ApiServer {
  /** For tests: requests can be injected. */
  readonly fastify: FastifyInstance;
  readonly endpoints: readonly string[];
  readonly routes: readonly Route[];
  readonly #parts: ServerParts;
  readonly #paths = new KnownPaths();
  #inFlight = 0;
  #draining = false;

  constructor(parts: ServerParts) {
    this.#parts = parts;
    this.routes = parts.routes;
    this.endpoints = parts.routes.map(endpointOf);
    this.fastify = Fastify({
      requestTimeout: REQUEST_MS,
      keepAliveTimeout: IDLE_MS,
      genReqId: ({ headers }) => {
        const given = headers['x-request-id'];
        return typeof given === 'string' && REQUEST_ID.test(given) ? given : randomUUID();
      },
      frameworkErrors: (error, request, reply) => this.#answerError(error, request, reply as unknown as FastifyReply),
    });
    this.#prepare();
    this.#serveOwn();
    for (const route of parts.routes) this.#add(route);
  }

  /** Requests that are being served. */
  get inFlight(): number {
    return this.#inFlight;
  }

  /** @returns the port it took. */
  async listen(port: number, host: string): Promise<number> {
    const address = new URL(await this.fastify.listen({ port, host }));
    return Number(address.port);
  }

  /** Takes no new connection, and ends when what is being served is. Idempotent. */
  async drain(): Promise<void> {
    this.#draining = true;
    await this.fastify.close();
  }

  /** Gives up on what is being served. */
  abort(): void {
    this.fastify.server.closeAllConnections();
  }

  #prepare(): void {
    const { fastify } = this;
    const { events } = this.#parts;
    fastify.removeAllContentTypeParsers();
    const read = async (_request: FastifyRequest, body: Buffer) => (body.length === 0 ? undefined : strictJson(body));
    fastify.addContentTypeParser('application/json', { parseAs: 'buffer' }, read);
    fastify.addHook('onRequest', async (request) => {
      this.#inFlight += 1;
      // Before the body is read: what it holds is of no interest here.
      if (request.is404) throw this.#paths.missing(request.method, request.url);
    });
    fastify.addHook('onSend', async (request, reply, payload) => {
      reply.headers({ ...HEADERS, 'x-request-id': request.id });
      if (this.#draining) reply.header('connection', 'close');
      return compressed(request, reply, payload);
    });
    fastify.addHook('onResponse', async (request, reply) => {
      this.#inFlight -= 1;
      const { endpoint = NONE } = request.routeOptions.config as { endpoint?: string };
      const who = callers.get(request);
      const tenant = who !== undefined && 'tenantId' in who ? { tenantId: who.tenantId } : {};
      const seconds = reply.elapsedTime / 1_000;
      events.emit('request.answered', {
        endpoint,
        status: reply.statusCode,
        seconds,
        ...tenant,
        requestId: request.id,
      });
    });
    fastify.setErrorHandler((error, request, reply) => this.#answerError(error, request, reply));
  }

  /** What is served to everybody: nothing about any tenant. */
  #serveOwn(): void {
    const document = JSON.stringify(openApi(this.#parts.routes));
    this.fastify.get('/openapi.json', async (_request, reply) => reply.type('application/json').send(document));
    this.fastify.get('/healthz', async () => ({ ok: true }));
    this.fastify.get('/readyz', async (_request, reply) => {
      const { ok } = this.#draining ? { ok: false } : await this.#parts.ready().catch(() => ({ ok: false }));
      return reply.code(ok ? 200 : 503).send({ ok });
    });
    for (const path of ['/openapi.json', '/healthz', '/readyz']) this.#paths.add(path, ['GET', 'HEAD']);
  }

  #add(route: Route): void {
    this.#paths.add(route.path, [route.method]);
    this.fastify.route({
      method: route.method,
      url: routerPath(route.path),
      bodyLimit: route.mostBytes,
      exposeHeadRoute: false,
      config: { endpoint: endpointOf(route) },
      // Before the body is read: whoever may not come in costs nothing more.
      onRequest: async (request, reply) => {
        const caller = await letIn(this.#parts, route, request);
        callers.set(request, caller);
        reply.headers((await this.#parts.admit?.(caller, route)) ?? {});
      },
      handler: async (request, reply) => {
        const caller = callers.get(request);
        if (caller === undefined) throw new RaeError('RAE_INTERNAL', 'a request came in without a caller');
        const { status = route.status, headers = {}, body } = await this.#serve(route, request, caller);
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        return reply.code(status).headers(headers).type(route.media).send(text);
      },
    });
  }

  #serve(route: Route, request: FastifyRequest, caller: Caller): Promise<Reply> {
    const asked = askedOf(route, request, caller, this.#parts.clock.now());
    const key = route.method === 'POST' ? asked.header('idempotency-key') : undefined;
    const serve = () => route.run(asked as never);
    if (key === undefined || !('tenantId' in caller)) return serve();
    const { tenantId, project } = caller;
    const { method, url, body } = request;
    return this.#parts.once.answer({ tenantId, key, method, url, project, body }, route.status, serve);
  }

  #answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const problem = problemOf(error, request.id);
    if (problem.status >= 500) {
      const { endpoint = NONE } = request.routeOptions.config as { endpoint?: string };
      this.#parts.events.emit('request.failed', { endpoint, requestId: request.id, message: messageOf(error) });
    }
    if (error instanceof TooManyCalls || error instanceof MethodNotAllowed) reply.headers(error.headers);
    if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
    void reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem));
  }
}

/** Who asked, while a request is being served. */
const callers = new WeakMap<FastifyRequest, Caller>();

/** A colon in a path begins a parameter there; a verb is written with one. */
function routerPath(path: string): string {
  return path.replace(/:(\w+)$/, '::$1').replace(/\{(\w+)\}/g, ':$1(^[^:/]+)');
}
