import type { FindingDescription } from './finding.ts'

/** Found before the server answers anything. */
export type ConnectionFindingCode =
  | 'dns_failed'
  | 'connection_failed'
  | 'server_timeout'
  | 'proxy_refused'
  | 'tls_untrusted'
  | 'tls_expired'
  | 'tls_wrong_host'
  | 'tls_client_certificate'
  | 'tls_failed'
  | 'network_failed'
  | 'unencrypted_server'
  | 'unencrypted_public_server'
  | 'clock_skew'

export const CONNECTION_FINDINGS: Readonly<Record<ConnectionFindingCode, FindingDescription>> = {
  dns_failed: {
    severity: 'error',
    concern: 'connection',
    title: 'The host name does not resolve',
    meaning: 'No address is known for the host name of the server, here and now.',
    user: 'Check the spelling of the host name, the network connection and the VPN.',
    operator: 'Publish a DNS record for the name, in every network from which the server is to be reached.',
  },
  connection_failed: {
    severity: 'error',
    concern: 'connection',
    title: 'Nobody answers at that address',
    meaning: 'The connection was refused, reset, or timed out before anything was said.',
    user: 'Check port and scheme of the URL, and that VPN and firewall let this through.',
    operator: 'Start the server, and open its port to where its clients are.',
  },
  server_timeout: {
    severity: 'error',
    concern: 'connection',
    title: 'The server does not answer in time',
    meaning: 'The connection stands, but no answer comes.',
    user: 'Try again later; the server may be starting or overloaded.',
    operator:
      'See whether requests reach the server: a proxy in front may hold them, or the handler may wait for ever.',
  },
  proxy_refused: {
    severity: 'error',
    concern: 'connection',
    title: 'The proxy opens no connection to the server',
    meaning: 'The proxy of the environment (HTTPS_PROXY, HTTP_PROXY) was reached and refused.',
    user: 'Give the proxy its user name and password, or name the server in NO_PROXY if it can be reached directly.',
    operator: 'Whoever runs the proxy must let this host through.',
  },
  tls_untrusted: {
    severity: 'error',
    concern: 'connection',
    title: 'The certificate of the server is not trusted here',
    meaning:
      'It is self-signed, comes from a CA that this machine does not know, or a certificate in between is missing.',
    user: 'On a network that inspects TLS, or with a CA of your own: NODE_EXTRA_CA_CERTS=/path/to/ca.pem.',
    operator: 'Serve a certificate of a public CA, with every certificate in between.',
  },
  tls_expired: {
    severity: 'error',
    concern: 'connection',
    title: 'The certificate of the server has expired, or is not valid yet',
    meaning: 'The clock of this machine lies outside the time for which the certificate was issued.',
    user: 'Check the clock of this machine.',
    operator: 'Renew the certificate.',
  },
  tls_wrong_host: {
    severity: 'error',
    concern: 'connection',
    title: 'The certificate is for another host',
    meaning: 'Somebody answers under this name who cannot prove to be it: the wrong server, a portal, or a proxy.',
    user: 'Use the name that the certificate is for.',
    operator: 'Serve a certificate that names this host.',
  },
  tls_client_certificate: {
    severity: 'error',
    concern: 'connection',
    title: 'The server wants a client certificate',
    meaning: 'Mutual TLS: without a certificate that it trusts, the server ends the connection.',
    user: 'Give one for this origin (`clientCertificates` of `latchkey/node`).',
    operator: 'Say in the documentation which CA issues the certificates of clients.',
  },
  tls_failed: {
    severity: 'error',
    concern: 'connection',
    title: 'No secure connection comes about',
    meaning: 'The handshake failed: plain http is spoken at this port, or there is no algorithm in common.',
    user: 'Check port and scheme of the URL.',
    operator: 'Serve TLS 1.2 or newer at this port.',
  },
  network_failed: {
    severity: 'error',
    concern: 'connection',
    title: 'The request failed without an answer',
    meaning:
      'The runtime does not say why; in a browser most often because the server does not allow the origin (CORS).',
    user: 'Check the network connection.',
    operator: 'If web pages are to use the server, allow their origins and expose WWW-Authenticate.',
  },
  unencrypted_server: {
    severity: 'error',
    concern: 'authorization',
    title: 'The server wants a login, and is reached by plain http',
    meaning: 'A token would travel in the clear, so none is sent. Only loopback addresses may do without TLS.',
    user: 'Use the https URL of the server, or forward a port of this machine to it.',
    operator: 'Serve it over https.',
  },
  unencrypted_public_server: {
    severity: 'warning',
    concern: 'connection',
    title: 'The server is reached by plain http',
    meaning: 'It needs no login, but everybody on the way can read and change what is said.',
    user: 'Use the https URL of the server, if there is one.',
    operator: 'Serve it over https.',
  },
  clock_skew: {
    severity: 'warning',
    concern: 'authorization',
    title: 'Two clocks differ by more than a minute',
    meaning:
      'The Date header of an answer and the clock of this machine disagree; tokens then seem to expire early or late.',
    user: 'Set the clock of this machine.',
    operator: 'Set the clock of the server.',
  },
}
