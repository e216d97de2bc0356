import { Gauge, Registry } from 'prom-client';

/** What Prometheus is told of a figure: its readings differ in their labels. */
export interface Figure {
  readonly name: string;
  readonly help: string;
  readonly readings: readonly { readonly labels?: Readonly<Record<string, string>>; readonly value: number }[];
}

/** The media type of `exposition`. */
export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Figures that are read when they are asked for, in the text format of Prometheus. */
export function exposition(figures: readonly Figure[]): Promise<string> {
  const registry = new Registry();
  for (const { name, help, readings } of figures) {
    const labelNames = Object.keys(readings[0]?.labels ?? {});
    const gauge = new Gauge({ name, help, labelNames, registers: [registry] });
    for (const { labels = {}, value } of readings) gauge.set(labels, value);
  }
  return registry.metrics();
}
