import { z } from 'zod';
import { RIGHTS, type Role } from '../access/role.ts';
import type { Route } from './route.ts';

type Json = Readonly<Record<string, unknown>>;

const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json => {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: 'any' });
  return rest;
};

const PROBLEM = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string().describe('stable; docs/errors.md lists them'),
  detail: z.string(),
  hint: z.string().optional(),
  request_id: z.string(),
});

/** The OpenAPI 3.1 document of these routes. */
export function openApi(routes: readonly Route[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: { title: 'RAE fleet', version: '1', description: 'Work, policies, keys and the audit log of one tenant.' },
    security: [{ bearer: [] }],
    paths,
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An API key: rae_…' } },
      schemas: { Problem: schemaOf(PROBLEM, 'output') },
    },
  };
}

function operation(route: Route): Json {
  const roles = (Object.keys(RIGHTS) as Role[]).filter((role) => RIGHTS[role].includes(route.permission));
  const problem = {
    description: 'what was wrong, and what was expected',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
  const request =
    route.body === undefined
      ? {}
      : { requestBody: { required: true, content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } };
  const answer = { [route.media.split(';')[0] ?? '']: { schema: schemaOf(route.answer, 'output') } };
  const otherwise = Object.entries(route.otherwise).map(([status, means]) => [
    status,
    { description: means, content: answer },
  ]);
  return {
    operationId: operationId(route),
    summary: route.does,
    description: `Permission ${route.permission}: ${roles.join(', ')}.`,
    parameters: [
      ...parameters('path', schemaOf(route.params, 'input')),
      ...parameters('query', schemaOf(route.query, 'input')),
      ...Object.entries({ ...(isOnce(route) ? { 'Idempotency-Key': ONCE } : {}), ...route.headers }).map(
        ([name, description]) => ({
          name,
          in: 'header',
          required: false,
          description,
          schema: { type: 'string' },
        }),
      ),
    ],
    ...request,
    responses: {
      [route.status]: { description: 'done', content: answer },
      ...Object.fromEntries(otherwise),
      default: problem,
    },
  };
}

const ONCE = 'the same key and body give the same answer, for 72 hours; another body is refused';

function isOnce({ method, permission }: Route): boolean {
  return method === 'POST' && !RIGHTS.operator.includes(permission);
}

function parameters(place: 'path' | 'query', schema: Json): readonly Json[] {
  const required = (schema.required ?? []) as readonly string[];
  return Object.entries((schema.properties ?? {}) as Json).map(([name, inner]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    schema: inner,
  }));
}

function operationId({ method, path }: Route): string {
  const words = path
    .replace('/v1/', '')
    .split(/[^a-z_]+/)
    .filter((word) => word !== '');
  return [method.toLowerCase(), ...words].join('_');
}
