/** What the demo's names and sentences are made of. Harmless on purpose: they are shown on screens. */
export const WORDS = Object.freeze({
  colour: ['Amber', 'Blue', 'Coral', 'Golden', 'Green', 'Ivory', 'Red', 'Silver', 'Violet', 'White'],
  place: ['Bridge', 'Field', 'Forest', 'Harbor', 'Hill', 'Island', 'Lake', 'Meadow', 'River', 'Valley'],
  trade: ['Analytics', 'Bakery', 'Clinic', 'Foods', 'Freight', 'Insurance', 'Labs', 'Media', 'Robotics', 'Travel'],
  project: ['support', 'sales', 'research'],
  agent: ['default', 'support-agent', 'research-agent'],
  source: ['chat', 'email', 'document', 'api'],
  tag: ['billing', 'feedback', 'onboarding', 'preference', 'product', 'shipping', 'summary', 'urgent'],
  person: ['Ada', 'Boris', 'Chen', 'Dalia', 'Emil', 'Fatima', 'Goran', 'Hana', 'Ivo', 'Jun', 'Kofi', 'Lena'],
  did: ['asked about', 'agreed to', 'compared', 'confirmed', 'postponed', 'praised', 'reported', 'reviewed'],
  thing: [
    'the delivery times',
    'the invoice format',
    'the new dashboard',
    'the onboarding guide',
    'the price list',
    'the quarterly plan',
    'the return policy',
    'the search results',
    'the training schedule',
    'the weekly summary',
  ],
  detail: [
    'and prefers short answers',
    'and would like to be called back on Monday',
    'because the team grows in spring',
    'but had no time to read all of it',
    'for the branch in Lisbon',
    'in a friendly tone',
    'together with two colleagues',
    'while the report was being written',
  ],
} as const);

/** Schedules other than the default that some tenants have chosen, each with its IANA zone. */
export const SCHEDULES = Object.freeze([
  { cron: '30 3 * * *', time_zone: 'Europe/Berlin' },
  { cron: '0 1 * * *', time_zone: 'America/New_York' },
  { cron: '15 4 * * *', time_zone: 'Asia/Tokyo' },
  { cron: '0 */6 * * *', time_zone: 'UTC' },
  { cron: '45 2 * * *', time_zone: 'Australia/Sydney' },
  { cron: '0 5 * * 1', time_zone: 'America/Sao_Paulo' },
  { cron: '0 2 * * *', time_zone: 'Asia/Kolkata' },
] as const);
