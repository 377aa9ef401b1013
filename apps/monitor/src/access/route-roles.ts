import type { Role } from './principal';

/** Who may ask what. A route of /v1 that is not here is refused to everybody. */
export const ROUTE_ROLES: Readonly<Record<string, Role | 'anybody'>> = {
  'GET /v1/session': 'anybody',
  'GET /v1/overview': 'viewer',
  'GET /v1/live': 'viewer',
  'GET /v1/rotation': 'viewer',
  'GET /v1/health': 'viewer',
  'GET /v1/keys/:keyId': 'viewer',
  'GET /v1/exchanges': 'viewer',
  'GET /v1/exchanges/:exchangeId': 'viewer',
  'GET /v1/contents/:contentId/schedule': 'viewer',
  'POST /v1/inspect': 'viewer',
  'DELETE /v1/contents/:contentId/rotation': 'operator',
  'POST /v1/contents/:contentId/revoke': 'operator',
  'POST /v1/contents/:contentId/shred': 'operator',
  'GET /v1/bridges/:id/dead-letters': 'operator',
  'POST /v1/bridges/:id/dead-letters': 'operator',
  'GET /v1/ledger': 'auditor',
  'GET /v1/ledger/export': 'auditor',
  'GET /v1/ledger/verify': 'auditor',
};
