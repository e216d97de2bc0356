/** What the catalogue says of an error. */
export interface ErrorEntry {
  /** The exit code of a command that ends with this error. */
  readonly exit: number;
  /** May trying again later, with nothing changed, succeed? */
  readonly retryable: boolean;
  /** What it means, in one sentence. */
  readonly means: string;
  /** What an operator does about it. */
  readonly action: string;
}
