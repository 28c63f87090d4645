// An OpenID provider of one site: node provider.mjs MODULES PORT SITE. Its one client is a service that signs in by itself;
// what it is told of its people stands in EXTRA_CLAIMS, as JSON.
import { generateKeyPairSync } from 'node:crypto';
import { pathToFileURL } from 'node:url';

const [modules, port, site] = process.argv.slice(2);
const { Provider } = await import(pathToFileURL(`${modules}/oidc-provider/lib/index.js`));
const issuer = `http://127.0.0.1:${port}`;

// Each site has keys of its own, under an id that others have too.
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const key = { ...privateKey.export({ format: 'jwk' }), kid: '1', use: 'sig', alg: 'RS256' };

const provider = new Provider(issuer, {
  jwks: { keys: [key] },
  cookies: { keys: [site] },
  clients: [
    {
      client_id: site,
      client_secret: `secret-of-${site}`,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    },
  ],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_ctx, resource) => ({
        audience: resource,
        scope: 'federate',
        accessTokenTTL: 300,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
  extraTokenClaims: () => JSON.parse(process.env.EXTRA_CLAIMS ?? '{}'),
  formats: {
    customizers: { jwt: (_ctx, token, parts) => { parts.payload.sub ??= token.clientId; } },
  },
});

provider.listen(Number(port), '127.0.0.1', () => console.log(`listening at ${issuer}`));
