// Kubernetes gives every container variables for every service of its namespace: a service called rae-api becomes
// RAE_API_SERVICE_HOST, RAE_API_SERVICE_PORT, RAE_API_PORT=tcp://10.0.0.1:80, RAE_API_PORT_80_TCP and so on. Nobody
// typed them, so they may never stop a start: neither as a misspelling nor as the value of a setting of that name.
const LINK_NAMES = [
  /^(RAE(?:_[A-Z0-9]+)*)_SERVICE_(?:HOST|PORT(?:_[A-Z0-9_]+)?)$/,
  /^(RAE(?:_[A-Z0-9]+)*)_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/,
];
const PORT_NAME = /^(RAE(?:_[A-Z0-9]+)*)_PORT$/;
const PORT_VALUE = /^(?:tcp|udp|sctp):\/\//;

/** The service that made Kubernetes set this variable, such as `rae-api`; undefined when a person set it. */
export function serviceOfLink(name: string, value: string): string | undefined {
  const match =
    LINK_NAMES.map((pattern) => pattern.exec(name)).find((found) => found !== null) ??
    (PORT_VALUE.test(value) ? PORT_NAME.exec(name) : null);
  return match?.[1]?.toLowerCase().replaceAll('_', '-');
}

/** One warning per service, however many variables it brought. */
export function warningOfLinks(service: string, names: readonly string[]): string {
  const [first = '', ...others] = names;
  const which = others.length === 0 ? first : `${first} and ${others.length} more like it`;
  return `ignored ${which}: set by Kubernetes for a service called ${service}, not by you (enableServiceLinks: false keeps such variables out)`;
}
