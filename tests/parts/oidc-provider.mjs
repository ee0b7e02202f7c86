// The server of oidc-provider.sh. A token is opaque, and a JWT where it was asked for with a `resource` that ends in `:jwt`; a
// `resource` is also its audience.
import Provider from 'oidc-provider';
import { exportJWK, generateKeyPair } from 'jose';

const port = Number(process.argv[2]);
const { privateKey } = await generateKeyPair('RS256', { extractable: true });
const key = { ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'k1' };
const users = { u1: { sub: 'u1', preferred_username: 'alice', email: 'alice@example.org', name: 'Alice A' } };
const people = { redirect_uris: ['http://127.0.0.1:9402/cb'], grant_types: ['authorization_code', 'refresh_token'] };
const programs = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'] };
const client = (id, more) => ({ client_id: id, client_secret: `${id}-secret`, ...more });

const provider = new Provider(`http://127.0.0.1:${port}`, {
  jwks: { keys: [key] },
  cookies: { keys: ['for tests'] },
  clients: [client('app', people), client('brief', people), client('machine', programs), client('gateway', programs)],
  claims: { openid: ['sub'], profile: ['name', 'preferred_username'], email: ['email'] },
  scopes: ['openid', 'profile', 'email', 'api'],
  features: {
    clientCredentials: { enabled: true },
    introspection: { enabled: true, allowedPolicy: async () => true },
    revocation: { enabled: true, allowedPolicy: async () => true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource) => ({
        scope: 'api openid profile',
        accessTokenFormat: resource.endsWith(':jwt') ? 'jwt' : 'opaque',
        audience: resource.replace(/:jwt$/, ''),
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  findAccount: async (_, id) => users[id] && { accountId: id, claims: async () => users[id] },
  // Else introspection and JWTs would tell nobody's name.
  extraTokenClaims: async (_, token) => (token.accountId ? { username: users[token.accountId].preferred_username } : {}),
  issueRefreshToken: async () => true,
  pkce: { required: () => false },
  ttl: { AccessToken: (_, token, client) => (client.clientId === 'brief' ? 2 : 600), ClientCredentials: 600 },
});
provider.listen(port, '127.0.0.1');
