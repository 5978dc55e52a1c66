// Signs or verifies one token with jose. Reads a JSON object, writes one.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

// It is installed beside the build, not beside this file.
const installed = createRequire(`${process.env.INTEROP}/package.json`).resolve("jose");
const jose = await import(pathToFileURL(installed));

const given = JSON.parse(readFileSync(0, "utf8"));
const secret = given.alg === "HS256" && new TextEncoder().encode(given.key);
if (given.do === "sign") {
  const key = secret || (await jose.importPKCS8(given.key, given.alg));
  const token = await new jose.SignJWT(given.claims).setProtectedHeader({ alg: given.alg, ...given.header }).sign(key);
  console.log(JSON.stringify({ token }));
} else {
  const key = secret || (given.jwks ? jose.createLocalJWKSet(given.jwks) : await jose.importSPKI(given.key, given.alg));
  const { payload, protectedHeader } = await jose.jwtVerify(given.token, key, {
    algorithms: [given.alg],
    issuer: given.iss,
    audience: given.aud,
    typ: given.typ,
    requiredClaims: ["exp", "iat", "iss", "aud", "sub", "jti"],
  });
  console.log(JSON.stringify({ claims: payload, header: protectedHeader }));
}
