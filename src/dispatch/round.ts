import type { FairOrder } from './fair-order.ts';
import type { Pick, TurnRequest } from './pick.ts';

/** What is being picked in one lane. */
export interface Round {
  readonly worker: string;
  readonly lane: string;
  readonly order: FairOrder;
  readonly request: TurnRequest;
  readonly picks: Map<string, Pick>;
  runs: number;
  ms: number;
}
