/* Request security for htmx: Trusted Types without evaluation, and the session's token on every unsafe request.
   Not deferred: htmx starts in a timeout when it is, possibly before a later deferred script has registered this. */
'use strict';

// htmx may build HTML from our own answers; it may never build code (docs/design.md, "Content Security Policy").
function refuseEvaluation() {
  throw new Error('Banyan evaluates no code from attributes');
}
htmx.registerExtension('banyan-security', {
  init(api) {
    const rules = { createHTML: (text) => text, createScript: refuseEvaluation };
    const policy = window.trustedTypes ? window.trustedTypes.createPolicy('htmx', rules) : rules;
    api.initSecurity(policy, refuseEvaluation, refuseEvaluation);
  },
});
document.addEventListener('htmx:config:request', (event) => {
  const request = event.detail.ctx.request;
  const token = document.querySelector('meta[name="csrf-token"]');
  if (token && !['GET', 'HEAD'].includes(request.method)) request.headers['X-CSRF-Token'] = token.content;
});
