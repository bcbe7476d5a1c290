// Verifies a webhook with the libraries of Standard Webhooks and of Svix.
// Usage: node verify.js, with {"secret": ..., "body": ..., "headers": ...} on standard input; prints which of them accept it.
const { secret, body, headers } = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
console.log(['standardwebhooks', 'svix'].filter((library) => {
  const { Webhook, WebhookVerificationError } = require(library);
  try {
    return new Webhook(secret).verify(body, headers);
  } catch (error) {
    if (error instanceof WebhookVerificationError) return false;
    throw error;
  }
}).join(' '));
