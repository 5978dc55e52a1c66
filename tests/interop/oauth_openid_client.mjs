// openid-client as a client of the provider: every grant, and OpenID Connect. Reads a JSON object, writes one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

import { Person } from "./person.mjs";

// It is installed beside the build, not beside this file.
const installed = createRequire(`${process.env.INTEROP}/package.json`).resolve("openid-client");
const client = await import(pathToFileURL(installed));

const given = JSON.parse(readFileSync(0, "utf8"));
const { issuer, web, native, machine, device } = given;
const discover = (application) =>
  client.discovery(new URL(issuer), application.id, application.secret, application.secret ? undefined : client.None(), {
    execute: [client.allowInsecureRequests],
  });

// Authorization code with PKCE; more of these parameters may be asked for.
async function logIn(config, application, more = {}) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: application.redirect_uri,
    scope: "openid profile email",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    nonce,
    ...more,
  });
  const back = new URL(await person.visit(url.href));
  return client.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    maxAge: more.max_age && Number(more.max_age),
  });
}

const person = await Person.logIn(given);
const done = {};
for (const [name, application] of Object.entries({ web, native })) {
  const config = await discover(application);
  // The ID token is no stranger's: its signature is checked too, as if it had not come by a direct connection.
  client.enableNonRepudiationChecks(config);
  const tokens = await logIn(config, application);
  const claims = tokens.claims();
  const told = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.notEqual(renewed.refresh_token, tokens.refresh_token);
  assert.equal(renewed.claims().sub, claims.sub);
  assert.equal(renewed.claims().auth_time, claims.auth_time);
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), { error: "invalid_grant" });
  done[name] = { sub: claims.sub, userinfo: told, amr: claims.amr };
}

// A login that is new enough, and one that must be made again.
const config = await discover(web);
client.enableNonRepudiationChecks(config);
await logIn(config, web, { max_age: "300" });
const before = (await logIn(config, web)).claims().auth_time;
await person.send(given.wait, "");
const again = await logIn(config, web, { prompt: "login" });
assert.ok(again.claims().auth_time > before, "the person did not log in again");
done.again = again.claims().sub;

// After a change of keys.
const keys = async (config) => (await (await fetch(config.serverMetadata().jwks_uri)).json()).keys.map(({ kid }) => kid);
const [key] = await keys(config);
await person.send(given.rotate, "");
const fresh = await discover(web);
client.enableNonRepudiationChecks(fresh);
const tokens = await logIn(fresh, web);
assert.notEqual((await keys(fresh))[0], key);
done.rotated = tokens.claims().sub;

// Introspection and revocation.
const said = await client.tokenIntrospection(fresh, tokens.access_token);
assert.equal(said.active, true);
assert.equal(said.sub, tokens.claims().sub);
await client.tokenRevocation(fresh, tokens.refresh_token);
assert.deepEqual(await client.tokenIntrospection(fresh, tokens.access_token), { active: false });

// Client credentials.
const own = await discover(machine);
const { access_token } = await client.clientCredentialsGrant(own);
assert.equal((await client.tokenIntrospection(own, access_token)).sub, machine.id);
await assert.rejects(client.fetchUserInfo(own, access_token, client.skipSubjectCheck));
done.machine = machine.id;

// Device.
const screen = await discover(device);
const begun = await client.initiateDeviceAuthorization(screen, { scope: "openid" });
await person.visit(begun.verification_uri_complete ?? begun.verification_uri, { user_code: begun.user_code });
const granted = await client.pollDeviceAuthorizationGrant(screen, { ...begun, interval: 1 });
done.device = (await client.fetchUserInfo(screen, granted.access_token, granted.claims().sub)).sub;

// A logout for the client.
const logout = client.buildEndSessionUrl(fresh, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: web.post_logout_redirect_uri,
  state: "bye",
});
done.logout = await person.visit(logout.href);
console.log(JSON.stringify(done));
