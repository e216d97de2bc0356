import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';

const document = () => JSON.parse(readFileSync(new URL('../../docs/openapi.json', import.meta.url), 'utf8'));
const judged = (given: Record<string, unknown>) => new Validator().validate(given);

describe('the description of the API', () => {
  it('is right OpenAPI 3.1 by a validator of other people', async () => {
    expect(await judged(document())).toEqual({ valid: true });
    const validator = new Validator();
    await validator.validate(document());
    expect(validator.version).toBe('3.1');
  });

  it('would not be if an answer lacked its description or a reference led nowhere', async () => {
    const mute = document();
    delete mute.paths['/v1/runs'].get.responses['200'].description;
    expect(await judged(mute)).toMatchObject({ valid: false });
    const lost = document();
    delete lost.components.schemas.Problem;
    const validator = new Validator();
    await validator.validate(lost);
    expect(() => validator.resolveRefs()).toThrow(/Problem/);
    const whole = new Validator();
    await whole.validate(document());
    expect(() => whole.resolveRefs()).not.toThrow();
  });

  it('names each operation once', () => {
    const ids = Object.values<Record<string, { operationId: string }>>(document().paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(ids.length).toBeGreaterThan(30);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
