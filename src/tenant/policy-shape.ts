import { z } from 'zod';

/** A place in a policy's schema, in the words of JSON Schema, as far as messages need it. */
interface Shape {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly propertyNames?: Shape;
  readonly additionalProperties?: Shape | false;
  readonly items?: Shape;
  readonly anyOf?: readonly Shape[];
}

/** What a policy schema says about its fields, for the messages about a policy that does not fit it. */
export class PolicyShape {
  readonly #root: Shape;

  constructor(schema: z.ZodType) {
    this.#root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Shape;
  }

  /** The keys that may stand at `path`; empty where any may, or none. */
  keysAt(path: readonly PropertyKey[]): readonly string[] {
    const shape = this.#at(path);
    if (shape?.properties !== undefined) return Object.keys(shape.properties);
    return shape?.propertyNames?.enum?.map(String) ?? [];
  }

  /** What may stand at `path`, in words that follow "expected"; undefined where the schema cannot be put in words. */
  expectedAt(path: readonly PropertyKey[]): string | undefined {
    const shape = this.#at(path);
    return shape === undefined ? undefined : inWords(shape);
  }

  /** What the field at `path` means, as its worker describes it. */
  meaningAt(path: readonly PropertyKey[]): string | undefined {
    return this.#at(path)?.description;
  }

  #at(path: readonly PropertyKey[]): Shape | undefined {
    let shape: Shape | undefined = this.#root;
    for (const key of path) {
      if (shape === undefined) return undefined;
      const { properties = {}, additionalProperties, items }: Shape = shape;
      const named: Shape | undefined = Object.hasOwn(properties, key) ? properties[String(key)] : undefined;
      shape = named ?? (typeof key === 'number' ? items : undefined) ?? (additionalProperties || undefined);
    }
    return shape;
  }
}

function inWords(shape: Shape): string | undefined {
  if (shape.enum?.length === 1) return String(shape.enum[0]);
  if (shape.enum !== undefined) return `one of ${shape.enum.map(String).join(', ')}`;
  if (shape.anyOf !== undefined) {
    const words = shape.anyOf.map(inWords);
    return words.includes(undefined) ? undefined : words.join(' or ');
  }
  switch (shape.type) {
    case 'boolean':
      return 'true or false';
    case 'number':
      return `a number${bounds(shape)}`;
    case 'integer':
      return `a whole number${bounds(shape)}`;
    case 'string':
      return shape.maxLength === undefined ? 'a text' : `a text of at most ${shape.maxLength} characters`;
    case 'array':
      return 'a list';
    case 'object': {
      const keys = shape.propertyNames?.enum;
      return keys === undefined ? 'an object' : `an object with any of ${keys.map(String).join(', ')}`;
    }
    case 'null':
      return 'null';
    default:
      return undefined;
  }
}

function bounds({ minimum, maximum }: Shape): string {
  // Whole numbers without a bound of their own have those of what a double can count.
  const from = minimum === undefined || minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const to = maximum === undefined || maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (from !== undefined && to !== undefined) return ` from ${from} to ${to}`;
  if (from !== undefined) return ` of at least ${from}`;
  return to === undefined ? '' : ` of at most ${to}`;
}
