// Verifies messages with npm's standardwebhooks: a JSON list of {secret, headers, body (base64)} comes in on standard
// input, a JSON list of refusals goes out, null for what it accepts. Its one argument is where the package is.
const { readFileSync } = require("node:fs");
const { Webhook } = require(`${process.argv[2]}/node_modules/standardwebhooks`);

const refusals = JSON.parse(readFileSync(0, "utf8")).map(({ secret, headers, body }) => {
  try {
    new Webhook(secret).verify(Buffer.from(body, "base64"), headers);
    return null;
  } catch (error) {
    return String(error.message || error);
  }
});
process.stdout.write(JSON.stringify(refusals));
