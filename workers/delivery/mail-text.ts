import type { Envelope } from './message.ts';

/** An e-mail as a person reads it. */
export interface MailText {
  readonly subject: string;
  readonly text: string;
}

type Data = Readonly<Record<string, unknown>>;

/** What the messages of a type say in words; fields that are missing are left out. */
const WRITERS: Readonly<Record<string, (data: Data) => MailText>> = {
  'budget.threshold': budget,
  'budget.exceeded': budget,
  'rule.fired': (data) => {
    const name = word(data.rule_name) ?? word(data.rule) ?? word(data.name);
    const event = word(data.event_type);
    const title = name === undefined ? 'A rule has fired' : `The rule "${name}" has fired`;
    const said = `${title}${event === undefined ? '' : `, on an event of the type ${event}`}.`;
    return { subject: title, text: word(data.message) ?? said };
  },
};

/** The subject and body of a message: a sentence of its type where it is known, and all that it says, a line each. */
export function mailText({ id, type, timestamp, tenant_id: tenant, data: json }: Envelope): MailText {
  const data = JSON.parse(json) as Data;
  const { subject, text } = WRITERS[type]?.(data) ?? {
    subject: `RAE: ${type.replaceAll(/[._]/g, ' ')}`,
    text: word(data.message) ?? word(data.text) ?? `This is to tell you: ${type.replaceAll(/[._]/g, ' ')}.`,
  };
  const details = lines(data, 0);
  const foot = [
    `Sent by RAE for tenant ${tenant}, message ${id}, ${timestamp}.`,
    'A repeat of this message has the same number.',
  ];
  return {
    subject: oneLine(subject).slice(0, 200),
    text: [text, ...(details.length === 0 ? [] : ['', ...details]), '', '-- ', ...foot, ''].join('\n'),
  };
}

function budget(data: Data): MailText {
  const share = number(data.threshold);
  const [spent, limit] = [money(data.spend_usd), money(data.limit_usd)];
  const tokens = number(data.spend_tokens);
  const period = word(data.period_kind);
  const project = word(data.project);
  const what = `${period === undefined ? 'budget' : `${period} budget`}${project === undefined ? '' : ` of the project ${project}`}`;
  const reached = share === undefined ? 'a threshold' : `${round(share * 100)} %`;
  const isOver = share !== undefined && share >= 1;
  const subject = isOver ? `The ${what} is used up` : `The ${what} has reached ${reached}`;
  const sentences = [`${subject}.`];
  if (spent !== undefined && limit !== undefined) sentences.push(`Spent: ${spent} of ${limit}.`);
  else if (tokens !== undefined && number(data.limit_tokens) !== undefined)
    sentences.push(`Used: ${tokens} of ${number(data.limit_tokens)} tokens.`);
  const rate = money(data.burn_rate_usd_per_day);
  if (rate !== undefined) sentences.push(`At present ${rate} are spent per day.`);
  const until = word(data.exhausted_on);
  if (until !== undefined && !isOver) sentences.push(`At this rate it is used up on ${until}.`);
  return { subject, text: sentences.join('\n') };
}

/** Every field on a line of its own; what lies deeper is indented, and cut where it goes too deep. */
function lines(data: Data, depth: number): string[] {
  return Object.entries(data).flatMap(([name, value]) => {
    const label = `${'  '.repeat(depth)}${oneLine(name).replaceAll('_', ' ')}:`;
    if (typeof value === 'object' && value !== null && !Array.isArray(value) && depth < 3)
      return [label, ...lines(value as Data, depth + 1)];
    return [`${label} ${shown(value)}`];
  });
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '–';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const line = oneLine(text);
  return line.length > 500 ? `${line.slice(0, 500)}…` : line;
}

/** Without line breaks and what steers a terminal or turns the direction of text. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ').trim();
}

function word(value: unknown): string | undefined {
  return typeof value === 'string' && value.trim() !== '' ? oneLine(value) : undefined;
}

/** Money comes as text: a float would round it. */
function money(value: unknown): string | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !/^-?\d+(\.\d+)?$/.test(text)) return undefined;
  const [whole = '', part = ''] = text.split('.');
  return `$${whole}.${part.replace(/0+$/, '').padEnd(2, '0')}`;
}

function number(value: unknown): number | undefined {
  const found = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  return typeof found === 'number' && Number.isFinite(found) ? found : undefined;
}

function round(value: number): string {
  return String(Math.round(value * 100) / 100);
}
