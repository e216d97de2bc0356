import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** Below this a compressed answer is no smaller on the wire. */
const FEWEST_BYTES = 1_024;
const toGzip = promisify(gzip);
const toBrotli = promisify(brotliCompress);
/** As quick as gzip, and smaller; the library's default would take a hundred times as long. */
const BROTLI = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } };

/** The answer as it is sent: compressed where whoever asks can read that, and it is worth it. */
export async function compressed(request: FastifyRequest, reply: FastifyReply, payload: unknown): Promise<unknown> {
  if (typeof payload !== 'string' || payload.length < FEWEST_BYTES) return payload;
  reply.header('vary', 'accept-encoding');
  const encoding = wanted(String(request.headers['accept-encoding'] ?? ''));
  if (encoding === undefined) return payload;
  reply.header('content-encoding', encoding).removeHeader('content-length');
  return encoding === 'br' ? toBrotli(payload, BROTLI) : toGzip(payload);
}

function wanted(accepted: string): 'br' | 'gzip' | undefined {
  const names = accepted
    .toLowerCase()
    .split(',')
    .map((one) => one.trim().split(/\s*;\s*q\s*=\s*/))
    .filter(([, weight]) => weight === undefined || Number(weight) > 0)
    .map(([name]) => name);
  if (names.includes('br')) return 'br';
  return names.includes('gzip') ? 'gzip' : undefined;
}
