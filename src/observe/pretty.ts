import pretty from 'pino-pretty';

/** A field as `name=value`; what is printed can neither break the line nor steer the terminal. */
function pair([name, value]: [string, unknown]): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return `${name}=${text}`.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character === '\n' ? '\\n' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Turns a log line of JSON into one that a person reads at a glance: `[16:42:01.123] WARN: run.failed worker=decay …`. */
export function prettyLine(colorize: boolean): (line: string) => string {
  return pretty.prettyFactory({
    colorize,
    timestampKey: 'ts',
    translateTime: 'SYS:HH:MM:ss.l',
    hideObject: true,
    messageFormat: ({ level: _level, ts: _ts, event, ...fields }, _key, _label, { colors }) =>
      [colors.bold(String(event)), ...Object.entries(fields).map(pair)].join(' '),
  });
}
