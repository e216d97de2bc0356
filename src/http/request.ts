import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Caller } from '../access/principal.ts';
import { RaeError } from '../kernel/errors.ts';
import { policyMistakes } from '../tenant/policy-mistakes.ts';
import { authorOf, headerOf } from './entrance.ts';
import type { Asked, Route } from './route.ts';

/** The request as its route takes it. @throws RaeError `RAE_USAGE` with every mistake in one part of it. */
export function askedOf(
  route: Route,
  request: FastifyRequest,
  caller: Caller,
  now: Date,
): Asked<unknown, unknown, unknown, Caller> {
  return {
    principal: caller,
    author: authorOf(caller, request),
    now,
    params: checked('path', route.params, request.params),
    query: checked('query', route.query, request.query),
    body: bodyOf(route, request),
    header: (name) => headerOf(request, name),
  };
}

function bodyOf(route: Route, { body }: FastifyRequest): unknown {
  if (route.body !== undefined) {
    if (body === undefined) throw new RaeError('RAE_USAGE', 'the body is missing; expected JSON');
    return checked('body', route.body, body);
  }
  if (body === undefined || body === null) return undefined;
  throw new RaeError('RAE_USAGE', 'a body was sent; expected none');
}

function checked(where: string, schema: z.ZodType, given: unknown): unknown {
  // Postgres keeps no NUL; in bodies it is refused while they are read.
  const isNul =
    where !== 'body' &&
    Object.values(given as object)
      .flat()
      .some((one) => String(one).includes('\0'));
  if (isNul) throw new RaeError('RAE_USAGE', `the ${where} holds a NUL character`);
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw new RaeError('RAE_USAGE', `the ${where} is wrong: ${policyMistakes(schema, given).join('; ')}`);
}
