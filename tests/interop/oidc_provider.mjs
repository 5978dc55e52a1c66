// A certified OpenID provider on a free port, with one client: prints its address, and lets everybody in by any name.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// It warns of what is for tests only, where the address is expected.
console.info = console.warn = () => {};
// It is installed beside the build, not beside this file.
const installed = createRequire(`${process.env.INTEROP}/package.json`).resolve("oidc-provider");
const { Provider } = await import(pathToFileURL(installed));

const kinds = { RS256: ["rsa", { modulusLength: 2048 }], ES256: ["ec", { namedCurve: "P-256" }], EdDSA: ["ed25519"] };
const jwk = (alg) => ({ ...generateKeyPairSync(...kinds[alg]).privateKey.export({ format: "jwk" }), alg, use: "sig" });

const server = createServer();
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: "client-7",
        client_secret: process.env.CLIENT_SECRET,
        redirect_uris: [process.env.REDIRECT_URI],
        token_endpoint_auth_method: process.env.CLIENT_AUTH,
        id_token_signed_response_alg: process.env.ALGORITHM,
      },
    ],
    claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
    enabledJWA: { idTokenSigningAlgValues: Object.keys(kinds) },
    jwks: { keys: Object.keys(kinds).map(jwk) },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@example.org`,
        email_verified: true,
        name: "Jane Doe",
        preferred_username: id,
      }),
    }),
    pkce: { required: () => true },
    ttl: { Interaction: 600, Session: 600, Grant: 600 },
  });
  server.on("request", provider.callback());
  console.log(issuer);
});
