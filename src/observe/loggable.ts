import { isSecretName, redactText } from '../kernel/redact.ts';

/** The longest text of one field, in characters: an error that quotes what it could not parse must not fill the log. */
export const TEXT_LIMIT = 2_000;

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function textOf(text: string): string {
  // Redacted before it is cut: a URL cut in front of its @ no longer looks like one with a password.
  const shown = redactText(text.slice(0, 10 * TEXT_LIMIT));
  return shown.length > TEXT_LIMIT ? `${shown.slice(0, TEXT_LIMIT)}…` : shown;
}

/** A payload as it is logged: snake_case names, no secrets, texts of bounded length. */
export function loggable(value: unknown): unknown {
  if (typeof value === 'string') return textOf(value);
  if (Array.isArray(value)) return value.map(loggable);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      snakeCase(name),
      typeof inner === 'string' && isSecretName(name) ? '***' : loggable(inner),
    ]),
  );
}
