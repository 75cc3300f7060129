// autobahn-js joins as METHOD AUTHID SECRET REALM URL say; tells who it is, or why not.
"use strict";

const autobahn = require("autobahn");

const [method, authid, secret, realm, url] = process.argv.slice(2);
const key =
  method === "cryptosign" &&
  autobahn.nacl.sign.keyPair.fromSeed(Uint8Array.from(Buffer.from(secret, "hex")));

function answer(session, asked, extra) {
  if (asked === "ticket") return secret;
  if (asked === "cryptosign") return autobahn.auth_cryptosign.sign_challenge(key, extra);
  const { derive_key, sign } = autobahn.auth_cra;
  const derived = extra.salt && derive_key(secret, extra.salt, extra.iterations, extra.keylen);
  return sign(derived || secret, extra.challenge);
}

function tell(told) {
  console.log(JSON.stringify(told));
  process.exit(0);
}

const connection = new autobahn.Connection({
  url,
  realm,
  authid,
  authmethods: [method],
  authextra: key ? { pubkey: autobahn.auth_cryptosign.public_key(key) } : {},
  onchallenge: answer,
  serializers: [new autobahn.serializer.JSONSerializer()],
  max_retries: 0,
});
connection.onopen = (session, { authid, authrole, authmethod }) =>
  tell({ authid, authrole, authmethod });
connection.onclose = (reason, details) => tell({ refused: details.reason || reason });
connection.open();
