import { nearest } from '../../src/kernel/nearest.ts';
import { type FieldPath, fieldPath, valueAt } from './field-path.ts';
import { type Comparison, compare, kindOf, OPERATORS, type Operator } from './operator.ts';
import { type Pattern, patternOf } from './pattern.ts';
import type { RuleEvent } from './rule-event.ts';

/** One question about one field. */
export interface Leaf extends Comparison {
  readonly field: string;
  readonly path: FieldPath;
  readonly negate: boolean;
}

/** Conditions joined by AND or OR; an empty AND is true, an empty OR false. */
export interface Group {
  readonly joined: 'AND' | 'OR';
  readonly members: readonly ConditionNode[];
}

export type ConditionNode = Leaf | Group;

/** What is wrong with a condition, and where in it. */
export interface ConditionFault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Whether the conditions hold for the event. */
export function holds(node: ConditionNode, event: RuleEvent): boolean {
  if ('joined' in node) {
    const { joined, members } = node;
    for (const member of members) {
      if (holds(member, event) !== (joined === 'AND')) return joined === 'OR';
    }
    return joined === 'AND';
  }
  return compare(valueAt(event, node.path), node).holds !== node.negate;
}

/** How deep groups may stand in each other, and how many conditions and groups there may be in all. */
const MOST_DEPTH = 10;
const MOST_NODES = 200;
const MOST_LISTED = 1_000;
/** How large its regular expressions may be together: one event must not keep the process for long. */
const MOST_PROGRAMS = 1_000;

/** What the documents of the original called some operators. */
const OTHER_NAMES: Readonly<Record<string, Operator>> = {
  eq: 'equals',
  ne: 'not_equals',
  neq: 'not_equals',
  gt: 'greater_than',
  lt: 'less_than',
  gte: 'greater_equal',
  ge: 'greater_equal',
  lte: 'less_equal',
  le: 'less_equal',
  regex: 'matches_regex',
};

/**
 * Reads a tree of conditions as it is written in JSON: groups `{operator, conditions, groups}` with conditions
 * `{field, operator, value, case_sensitive, negate}` and groups in either list.
 * @returns the tree, or everything that is wrong with it.
 */
export function readConditions(given: unknown): ConditionNode | readonly ConditionFault[] {
  const reader = new ConditionReader();
  const node = reader.node(given, [], 1);
  return node !== undefined && reader.faults.length === 0 ? node : reader.faults;
}

type Path = readonly (string | number)[];

class ConditionReader {
  readonly faults: ConditionFault[] = [];
  #nodes = 0;
  #programs = 0;

  node(given: unknown, path: Path, depth: number): ConditionNode | undefined {
    this.#nodes += 1;
    if (this.#nodes === MOST_NODES + 1) this.#fault(path, `expected at most ${MOST_NODES} conditions and groups`);
    if (this.#nodes > MOST_NODES) return undefined;
    if (depth > MOST_DEPTH) return this.#fault(path, `expected groups at most ${MOST_DEPTH} deep`);
    if (typeof given !== 'object' || given === null || Array.isArray(given)) {
      return this.#fault(path, `is ${kindOf(given)}; expected a condition with a field, or a group with conditions`);
    }
    const fields = given as Readonly<Record<string, unknown>>;
    return Object.hasOwn(fields, 'field') ? this.#leaf(fields, path) : this.#group(fields, path, depth);
  }

  #group(given: Readonly<Record<string, unknown>>, path: Path, depth: number): Group | undefined {
    this.#onlyKnown(given, ['operator', 'conditions', 'groups'], path);
    const joined = typeof given.operator === 'string' ? given.operator.toUpperCase() : (given.operator ?? 'AND');
    if (joined !== 'AND' && joined !== 'OR') {
      return this.#fault([...path, 'operator'], `is ${JSON.stringify(given.operator)}; expected AND or OR`);
    }
    const members: ConditionNode[] = [];
    for (const key of ['conditions', 'groups']) {
      const list = given[key] ?? [];
      if (!Array.isArray(list)) {
        this.#fault([...path, key], `is ${kindOf(list)}; expected a list`);
        continue;
      }
      for (const [at, member] of list.entries()) {
        const node = this.node(member, [...path, key, at], depth + 1);
        if (node !== undefined) members.push(node);
      }
    }
    return { joined, members };
  }

  #leaf(given: Readonly<Record<string, unknown>>, path: Path): Leaf | undefined {
    this.#onlyKnown(given, ['field', 'operator', 'value', 'case_sensitive', 'negate'], path);
    const { field, value = null } = given;
    if (typeof field !== 'string' || field === '' || field.length > 200) {
      return this.#fault([...path, 'field'], 'expected the name of a field, of 1 to 200 characters');
    }
    const operator = this.#operator(given.operator, [...path, 'operator']);
    const caseSensitive = this.#flag(given, 'case_sensitive', true, path);
    const negate = this.#flag(given, 'negate', false, path);
    if (operator === undefined) return undefined;
    const wrong = wrongValue(operator, value);
    if (wrong !== undefined) return this.#fault([...path, 'value'], wrong);
    let pattern: Pattern | undefined;
    if (operator === 'matches_regex') {
      const read = patternOf(String(value), caseSensitive);
      if ('fault' in read) return this.#fault([...path, 'value'], `the regular expression ${read.fault}`);
      this.#programs += read.size;
      if (this.#programs > MOST_PROGRAMS)
        return this.#fault([...path, 'value'], 'the regular expressions are too large together');
      pattern = read;
    }
    const comparison = { operator, value, caseSensitive, ...(pattern === undefined ? {} : { pattern }) };
    return { ...comparison, field, path: fieldPath(field), negate };
  }

  #operator(given: unknown, path: Path): Operator | undefined {
    const known = OPERATORS.find((operator) => operator === given);
    if (known !== undefined) return known;
    const word = String(given).toLowerCase();
    const near = OTHER_NAMES[word] ?? nearest(word, OPERATORS);
    const meant = near === undefined ? `expected one of ${OPERATORS.join(', ')}` : `did you mean ${near}?`;
    return this.#fault(path, `there is no operator ${JSON.stringify(given) ?? 'without a name'}; ${meant}`);
  }

  #flag(given: Readonly<Record<string, unknown>>, key: string, byDefault: boolean, path: Path): boolean {
    const value = given[key] ?? byDefault;
    if (typeof value === 'boolean') return value;
    this.#fault([...path, key], `is ${kindOf(value)}; expected true or false`);
    return byDefault;
  }

  #onlyKnown(given: object, known: readonly string[], path: Path): void {
    for (const key of Object.keys(given).filter((one) => !known.includes(one))) {
      const near = nearest(key, known);
      this.#fault([...path, key], near === undefined ? `expected only ${known.join(', ')}` : `did you mean ${near}?`);
    }
  }

  #fault(path: Path, message: string): undefined {
    this.faults.push({ path, message });
    return undefined;
  }
}

function wrongValue(operator: Operator, value: unknown): string | undefined {
  switch (operator) {
    case 'in':
    case 'not_in':
      if (!Array.isArray(value)) return `is ${kindOf(value)}; ${operator} expects a list`;
      return value.length > MOST_LISTED ? `has ${value.length} values; expected at most ${MOST_LISTED}` : undefined;
    case 'greater_than':
    case 'less_than':
    case 'greater_equal':
    case 'less_equal':
      if (typeof value === 'number' || typeof value === 'string') return undefined;
      return `is ${kindOf(value)}; ${operator} expects a number or text`;
    case 'matches_regex':
      return typeof value === 'string' ? undefined : `is ${kindOf(value)}; matches_regex expects a regular expression`;
    default:
      return undefined;
  }
}
