/** A rule of the demo in the columns of `trigger_rules`; what is left out has the rule's default. */
export interface DemoRule {
  readonly rule_name: string;
  readonly description: string;
  readonly event_types: readonly string[];
  readonly condition_group?: object;
  readonly time_window_seconds?: number;
  readonly aggregate?: object;
  readonly cooldown_seconds?: number;
  readonly max_executions_per_hour?: number;
  readonly actions: readonly object[];
  readonly priority: number;
}

/** Rules that show what rules can: windows, cooldowns, limits, and actions inside and outside the fleet. @param url where webhooks go. */
export function demoRules(url: string): readonly DemoRule[] {
  const tell = { action_type: 'send_webhook', config: { url } };
  const where = (field: string, operator: string, value: number) => ({
    operator: 'AND',
    conditions: [{ field, operator, value }],
  });
  return [
    {
      rule_name: 'Three drifts in ten minutes',
      description: 'Tells when answers drift from what they were, again and again.',
      event_types: ['drift_detected'],
      condition_group: where('payload.score', 'greater_than', 0.5),
      time_window_seconds: 600,
      aggregate: { function: 'count', operator: 'greater_equal', value: 3, reset_on_fire: true },
      actions: [tell, { action_type: 'emit_event', config: { event_type: 'custom.drift_reported' } }],
      priority: 7,
    },
    {
      rule_name: 'Quality below 0.7',
      description: 'Tells of poor answers, twice a minute at most.',
      event_types: ['quality_degraded'],
      condition_group: where('payload.quality_score', 'less_than', 0.7),
      cooldown_seconds: 30,
      actions: [tell],
      priority: 6,
    },
    {
      rule_name: 'Mark what is recalled',
      description: 'Tags the memories that somebody has asked for.',
      event_types: ['memory_accessed'],
      max_executions_per_hour: 120,
      actions: [{ action_type: 'tag_memories', config: { add: ['recalled'] } }],
      priority: 3,
    },
    {
      rule_name: 'Budget guard',
      description: 'Tells when a budget is nearly or wholly spent.',
      event_types: ['budget_warning', 'budget_exceeded'],
      actions: [tell],
      priority: 8,
    },
  ];
}
